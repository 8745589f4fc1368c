import { status } from "@grpc/grpc-js";
import type { Clock } from "../../runtime/timing/index.ts";
import { retryHint } from "./admission/retry-hint.ts";
import { Refusal } from "./refusals.ts";
import { type RawCall, resetUnlessClosed } from "./stream/forward.ts";

/** How long a caller may take to read the closing status after its stream has been ended, in milliseconds. */
const closingGraceMs = 5_000;

/** A caller cancels at its own deadline, and its clock is not ours: this near to it, leaving means the deadline. */
const cancelLeadMs = 100;

export interface CallScopeOptions {
  readonly clock: Clock;
  /** Longest duration of a call, whatever the caller asks for, in milliseconds. */
  readonly limitMs: number;
  /** Aborts when the server has stopped waiting for its streams. */
  readonly stopped: AbortSignal;
}

/** The life of one call: one signal for everything that ends it early, with the refusal as the reason. */
export interface CallScope extends Disposable {
  readonly signal: AbortSignal;
  /** When the call must be over, milliseconds since the epoch. */
  readonly deadlineMs: number;
  /** Throws the refusal if the call is over by now, even if no timer or event has come to tell it. */
  requireOpen(): void;
}

/** Watches the caller, the time limit and the server's shutdown for one call. Dispose it when the call has ended. */
export function openScope(call: RawCall, { clock, limitMs, stopped }: CallScopeOptions): CallScope {
  const controller = new AbortController();
  const end = (refusal: Refusal): void => controller.abort(refusal);
  const now = clock.now();
  const asked = Number(call.getDeadline());
  const deadlineMs = Math.min(asked, now + limitMs);
  const onLimit = (): void => {
    const whose = asked <= now + limitMs ? "the caller's deadline" : "the server's limit on the duration of a call";
    end(new Refusal("timeLimit", `${whose} has passed; the stream is not complete: resume from the last range`));
  };
  const over = new AbortController();
  clock.sleep(Math.max(0, deadlineMs - now), over.signal).then(onLimit, () => undefined);
  const onCancelled = (): void => {
    if (clock.now() >= deadlineMs - cancelLeadMs) onLimit();
    else end(new Refusal("cancelled", "the caller went away"));
  };
  const onStopped = (): void =>
    end(new Refusal("stopping", "the server is shutting down; resume from the last range at another replica"));
  call.once("cancelled", onCancelled);
  if (stopped.aborted) onStopped();
  else stopped.addEventListener("abort", onStopped, { once: true });
  return {
    signal: controller.signal,
    deadlineMs,
    requireOpen: () => {
      if (clock.now() >= deadlineMs) onLimit();
      else if (call.cancelled) onCancelled();
      controller.signal.throwIfAborted();
    },
    [Symbol.dispose]: () => {
      over.abort();
      call.off("cancelled", onCancelled);
      stopped.removeEventListener("abort", onStopped);
    },
  };
}

/** The status a caller's stream ends with. */
export interface Ending {
  readonly code: status;
  readonly details: string;
  /** When it may help to try again, in milliseconds. */
  readonly retryAfterMs?: number | undefined;
}

/** Ends the caller's stream with this status. With OK the stream is complete; with anything else it is not. */
export function endCall(call: RawCall, { code, details, retryAfterMs }: Ending): void {
  if (code === status.OK) call.end();
  else if (retryAfterMs === undefined) call.emit("error", { code, details });
  else call.emit("error", { code, details, metadata: retryHint(code, details, retryAfterMs) });
  resetUnlessClosed(call, closingGraceMs);
}
