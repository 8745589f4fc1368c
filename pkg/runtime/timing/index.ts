export { type Backoff, type BackoffRules, backoff, delayAfter } from "./backoff.ts";
export { type Clock, systemClock } from "./clock.ts";
export { type ManualClock, manualClock } from "./manual-clock.ts";
export { abortable, aborted, DeadlineError, deadlineSignal, linkedSignal, type SignalScope } from "./signals.ts";
