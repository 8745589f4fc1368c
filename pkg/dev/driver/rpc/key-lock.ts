import { abortable } from "../../../runtime/timing/index.ts";

/** Runs work of one key one after another, in the order it came; keys do not wait for each other. */
export class KeyLock {
  readonly #tails = new Map<string, Promise<void>>();

  /**
   * Waits for its turn, then runs `work`. When `signal` aborts before the turn came, rejects with its reason and
   * `work` never runs; once begun, work is not interrupted.
   */
  async run<T>(key: string, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    const before = this.#tails.get(key) ?? Promise.resolve();
    const done = Promise.withResolvers<void>();
    // A waiter that gives up leaves its place in the line: those behind it still wait for those before it.
    const tail = before.then(() => done.promise);
    this.#tails.set(key, tail);
    try {
      await abortable(before, signal);
      return await work();
    } finally {
      done.resolve();
      void tail.then(() => {
        if (this.#tails.get(key) === tail) this.#tails.delete(key);
      });
    }
  }
}
