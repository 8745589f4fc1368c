/** A map that forgets what was not used for longest. */
export class Recent<V> {
  readonly #size: number;
  readonly #map = new Map<string, V>();

  constructor(size: number) {
    this.#size = size;
  }

  /** The value of the key, made when there is none. */
  use(key: string, make: () => V): V {
    const value = this.#map.get(key) ?? make();
    this.#map.delete(key);
    this.#map.set(key, value);
    const [oldest] = this.#map.keys();
    if (this.#map.size > this.#size && oldest !== undefined) this.#map.delete(oldest);
    return value;
  }
}
