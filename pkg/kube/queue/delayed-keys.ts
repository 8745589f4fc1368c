import type { Clock } from "../../runtime/timing/index.ts";

interface Delay {
  /** On the monotonic clock. */
  readonly at: number;
  readonly timer: AbortController;
}

/** Keys that are due later. A key is due once, at the earliest time that was asked for. */
export class DelayedKeys {
  readonly #delays = new Map<string, Delay>();
  readonly #clock: Clock;
  readonly #due: (key: string) => void;

  constructor(clock: Clock, due: (key: string) => void) {
    this.#clock = clock;
    this.#due = due;
  }

  add(key: string, delayMs: number): void {
    const at = this.#clock.monotonic() + delayMs;
    const known = this.#delays.get(key);
    if (known !== undefined && known.at <= at) return;
    known?.timer.abort();
    const timer = new AbortController();
    this.#delays.set(key, { at, timer });
    this.#clock.sleep(delayMs, timer.signal).then(
      () => {
        this.#delays.delete(key);
        this.#due(key);
      },
      () => undefined,
    );
  }

  clear(): void {
    for (const { timer } of this.#delays.values()) timer.abort();
    this.#delays.clear();
  }
}
