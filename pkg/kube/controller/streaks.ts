interface Streak {
  readonly count: number;
  readonly reason: string;
}

/** How often each key failed in a row, of whatever kind, and for what last. */
export class Streaks {
  readonly #streaks = new Map<string, Streak>();

  count(key: string): number {
    return this.#streaks.get(key)?.count ?? 0;
  }

  /** One failure more; true when the one before had the same reason. */
  add(key: string, reason: string): boolean {
    const known = this.#streaks.get(key);
    this.#streaks.set(key, { count: (known?.count ?? 0) + 1, reason });
    return known?.reason === reason;
  }

  end(key: string): void {
    this.#streaks.delete(key);
  }
}
