import type { Clock } from "../../runtime/timing/index.ts";

/** Makes callers wait for their turn. Resolves with the milliseconds waited. */
export type RateLimit = (signal: AbortSignal) => Promise<number>;

/** A token bucket, as client-go's: `burst` at once, `qps` a second afterwards, first come first served. */
export function tokenBucket(qps: number, burst: number, clock: Clock): RateLimit {
  let tokens = burst;
  let at = clock.monotonic();
  return async (signal) => {
    const now = clock.monotonic();
    tokens = Math.min(burst, tokens + ((now - at) / 1000) * qps);
    at = now;
    // Below zero the debt tells how long this caller has to wait behind the others.
    tokens -= 1;
    if (tokens >= 0) return 0;
    const waitMs = (-tokens / qps) * 1000;
    try {
      await clock.sleep(waitMs, signal);
    } catch (thrown) {
      tokens += 1;
      throw thrown;
    }
    return waitMs;
  };
}
