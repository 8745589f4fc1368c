import type { Clock } from "../../pkg/runtime/timing/index.ts";

/** A clock that can be wrong for a while, so that what is made meanwhile is old. */
export class ShiftedClock implements Clock {
  readonly #clock: Clock;
  #shiftMs = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  now(): number {
    return this.#clock.now() + this.#shiftMs;
  }

  monotonic(): number {
    return this.#clock.monotonic();
  }

  async sleep(ms: number, signal?: AbortSignal): Promise<void> {
    await this.#clock.sleep(ms, signal);
  }

  /** Runs `work` with the wall clock off by `ms`. */
  async shifted<T>(ms: number, work: () => Promise<T>): Promise<T> {
    this.#shiftMs = ms;
    try {
      return await work();
    } finally {
      this.#shiftMs = 0;
    }
  }
}
