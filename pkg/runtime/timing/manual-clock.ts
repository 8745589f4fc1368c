import { setImmediate as turn } from "node:timers/promises";
import type { Clock } from "./clock.ts";

/** A clock that moves only when told. For tests. */
export interface ManualClock extends Clock {
  /** Moves on by `ms`, waking sleepers in order; each may run and sleep again before the next is woken. */
  advance(ms: number): Promise<void>;
  /** Settles when at least `count` sleepers wait. */
  sleepers(count: number): Promise<void>;
  /** How many wait now. */
  readonly waiting: number;
}

interface Sleeper {
  readonly at: number;
  wake(): void;
}

/** A {@link ManualClock} that starts at `startMs` since the epoch. */
export function manualClock(startMs = Date.UTC(2030, 0, 1)): ManualClock {
  let time = 0;
  let sleeping: Sleeper[] = [];
  const remove = (sleeper: Sleeper): void => {
    sleeping = sleeping.filter((each) => each !== sleeper);
  };
  return {
    now: () => startMs + time,
    monotonic: () => time,
    get waiting() {
      return sleeping.length;
    },
    sleep: (ms, signal) =>
      new Promise((resolve, reject) => {
        if (signal?.aborted) return reject(signal.reason);
        const abort = (): void => {
          remove(sleeper);
          reject(signal?.reason);
        };
        const sleeper: Sleeper = {
          at: time + Math.max(0, ms),
          wake: () => {
            signal?.removeEventListener("abort", abort);
            resolve();
          },
        };
        signal?.addEventListener("abort", abort, { once: true });
        sleeping.push(sleeper);
      }),
    async advance(ms) {
      const end = time + ms;
      // What was started before the call gets the chance to go to sleep first.
      await turn();
      for (;;) {
        const next = sleeping.toSorted((a, b) => a.at - b.at)[0];
        if (next === undefined || next.at > end) break;
        remove(next);
        time = next.at;
        next.wake();
        await turn();
      }
      time = end;
    },
    async sleepers(count) {
      while (sleeping.length < count) await turn();
    },
  };
}
