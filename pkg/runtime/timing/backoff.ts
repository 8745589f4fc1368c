/** How delays grow. */
export interface BackoffRules {
  /** First delay, milliseconds. */
  readonly baseMs: number;
  /** No delay is longer, jitter included. */
  readonly maxMs: number;
  /** Each delay is this many times the one before. 2 unless told. */
  readonly factor?: number;
  /** Part of the delay that is drawn by lot, 0 to 1, so that many waiters do not return together. 0.2 unless told. */
  readonly jitter?: number;
  /** From 0 to below 1. */
  readonly random?: () => number;
}

/** Growing delays of one repeated attempt. */
export interface Backoff {
  /** The delay before the next attempt, milliseconds. */
  next(): number;
  /** Starts over, after a success. */
  reset(): void;
  /** Attempts since the start or the last reset. */
  readonly attempts: number;
}

/** Exponential delays with jitter. */
export function backoff(rules: BackoffRules): Backoff {
  let attempts = 0;
  return {
    next: () => delayAfter(attempts++, rules),
    reset: () => {
      attempts = 0;
    },
    get attempts() {
      return attempts;
    },
  };
}

/** The delay after so many failed attempts, for callers that count themselves. */
export function delayAfter(
  attempts: number,
  { baseMs, maxMs, factor = 2, jitter = 0.2, random = Math.random }: BackoffRules,
): number {
  const full = Math.min(maxMs, baseMs * factor ** attempts);
  return full * (1 - jitter * random());
}
