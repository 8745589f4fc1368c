import { Collection } from "./collection.ts";
import { Revisions } from "./revision.ts";

/** Everything the server keeps: one collection per group and resource, one revision counter for all. */
export class Store {
  readonly revisions = new Revisions();
  readonly #historyLimit: number;
  readonly #collections = new Map<string, Collection>();

  constructor(historyLimit: number) {
    this.#historyLimit = historyLimit;
  }

  /** The collection of a group and resource; made when first asked for. */
  collection(group: string, resource: string): Collection {
    const name = `${group}/${resource}`;
    const known = this.#collections.get(name);
    if (known) return known;
    const made = new Collection(this.revisions, this.#historyLimit);
    this.#collections.set(name, made);
    return made;
  }

  all(): ReadonlyMap<string, Collection> {
    return this.#collections;
  }
}

/** Where an object lies in its collection: `namespace/name`, or `name`. */
export function keyOf(namespace: string, name: string): string {
  return namespace === "" ? name : `${namespace}/${name}`;
}
