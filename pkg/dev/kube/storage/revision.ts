/** The one counter behind every resourceVersion. */
export class Revisions {
  #current = 1;
  #compacted = 0;
  readonly #waiting = new Set<() => void>();

  get current(): number {
    return this.#current;
  }

  /** Nothing at or before this can be read again. */
  get compacted(): number {
    return this.#compacted;
  }

  next(): number {
    this.#current += 1;
    for (const wake of this.#waiting) wake();
    return this.#current;
  }

  compact(): void {
    this.#compacted = this.#current;
  }

  /** Settles with true once `revision` is reached, with false when `signal` aborts first. */
  reached(revision: number, signal: AbortSignal): Promise<boolean> {
    if (this.#current >= revision) return Promise.resolve(true);
    return new Promise((resolve) => {
      const finish = (result: boolean) => {
        this.#waiting.delete(check);
        signal.removeEventListener("abort", stop);
        resolve(result);
      };
      const check = () => {
        if (this.#current >= revision) finish(true);
      };
      const stop = () => finish(false);
      this.#waiting.add(check);
      signal.addEventListener("abort", stop, { once: true });
      if (signal.aborted) stop();
    });
  }
}
