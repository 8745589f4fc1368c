/** Where a component gets the time, so that tests can own it. */
export interface Clock {
  /** Wall clock, milliseconds since the epoch. */
  now(): number;
  /** Never goes back; milliseconds from an arbitrary start. */
  monotonic(): number;
  /** Settles after `ms`, or rejects with the signal's reason. Any length, also Infinity; nothing is left behind. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

/** Timers of Node fire at once when asked to wait longer than this. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** The time of this machine. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  sleep: (ms, signal) =>
    new Promise((resolve, reject) => {
      if (signal?.aborted) {
        reject(signal.reason);
        return;
      }
      const end = performance.now() + Math.max(0, ms);
      let timer: NodeJS.Timeout;
      const abort = (): void => {
        clearTimeout(timer);
        reject(signal?.reason);
      };
      const wait = (leftMs: number): void => {
        timer = setTimeout(
          () => {
            const rest = end - performance.now();
            if (leftMs > LONGEST_TIMER_MS && rest > 0) {
              wait(rest);
              return;
            }
            signal?.removeEventListener("abort", abort);
            resolve();
          },
          Math.min(leftMs, LONGEST_TIMER_MS),
        );
      };
      signal?.addEventListener("abort", abort, { once: true });
      wait(Math.max(0, ms));
    }),
};
