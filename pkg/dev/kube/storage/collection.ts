import { byBytes, type JsonObject } from "../wire/json.ts";
import type { Revisions } from "./revision.ts";

/** One change of one object. `object` is the new state, or for a deletion the last one with the revision of its end. */
export interface Change {
  readonly revision: number;
  readonly key: string;
  readonly object: JsonObject | undefined;
  readonly previous: JsonObject | undefined;
}

/** A stored object and where it lies. Never changed in place. */
export interface Entry {
  readonly key: string;
  readonly revision: number;
  readonly object: JsonObject;
}

/**
 * All objects of one group and resource, in key order, with the changes of the recent past. Everything is
 * synchronous, so a read and the write that follows it are one step for everybody else.
 */
export class Collection {
  readonly #revisions: Revisions;
  readonly #limit: number;
  readonly #entries = new Map<string, Entry>();
  readonly #listeners = new Set<(change: Change) => void>();
  readonly #keys: string[] = [];
  #history: Change[] = [];
  /** Changes up to this revision are forgotten. */
  #forgotten: number;

  constructor(revisions: Revisions, historyLimit: number) {
    this.#revisions = revisions;
    this.#limit = historyLimit;
    this.#forgotten = revisions.current;
  }

  get size(): number {
    return this.#entries.size;
  }

  get(key: string): Entry | undefined {
    return this.#entries.get(key);
  }

  /** Stores what `make` returns for the new revision. */
  put(key: string, make: (revision: number) => JsonObject): Entry {
    const previous = this.#entries.get(key);
    const revision = this.#revisions.next();
    const entry = { key, revision, object: make(revision) };
    this.#entries.set(key, entry);
    if (previous === undefined) this.#keys.splice(position(this.#keys, key), 0, key);
    this.#record({ revision, key, object: entry.object, previous: previous?.object });
    return entry;
  }

  /** Removes an object; `revision` is that of the removal. */
  remove(key: string): { readonly entry: Entry; readonly revision: number } | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined) return undefined;
    this.#entries.delete(key);
    this.#keys.splice(position(this.#keys, key), 1);
    const revision = this.#revisions.next();
    this.#record({ revision, key, object: undefined, previous: entry.object });
    return { entry, revision };
  }

  /** Entries in key order, those whose key starts with `prefix`. */
  list(prefix = ""): Entry[] {
    const found: Entry[] = [];
    for (let at = position(this.#keys, prefix); at < this.#keys.length; at += 1) {
      const key = this.#keys[at] ?? "";
      if (!key.startsWith(prefix)) break;
      found.push(this.#entries.get(key) as Entry);
    }
    return found;
  }

  /** The objects as they were at `revision`, or undefined when the past does not reach so far back. */
  listAt(revision: number, prefix = ""): JsonObject[] | undefined {
    if (revision >= this.#revisions.current) return this.list(prefix).map((each) => each.object);
    if (revision < this.oldest) return undefined;
    const state = new Map([...this.#entries].map(([key, entry]) => [key, entry.object]));
    for (const change of this.#history.toReversed()) {
      if (change.revision <= revision) break;
      if (change.previous === undefined) state.delete(change.key);
      else state.set(change.key, change.previous);
    }
    return [...state.entries()]
      .filter(([key]) => key.startsWith(prefix))
      .sort(([a], [b]) => byBytes(a, b))
      .map(([, object]) => object);
  }

  /** The lowest revision from which every later change is still known. */
  get oldest(): number {
    return Math.max(this.#forgotten, this.#revisions.compacted);
  }

  /** Changes after `revision`, oldest first, or undefined when some are forgotten. */
  since(revision: number): Change[] | undefined {
    if (revision < this.oldest) return undefined;
    return this.#history.filter((change) => change.revision > revision);
  }

  /** Calls `listener` for every later change; returns the way out. */
  listen(listener: (change: Change) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #record(change: Change): void {
    this.#history.push(change);
    if (this.#history.length > this.#limit * 2) {
      const dropped = this.#history.splice(0, this.#history.length - this.#limit);
      this.#forgotten = Math.max(this.#forgotten, dropped.at(-1)?.revision ?? 0);
    }
    for (const listener of this.#listeners) listener(change);
  }
}

/** Where a key stands, or would stand, among ordered keys. */
function position(keys: readonly string[], key: string): number {
  let low = 0;
  let high = keys.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((keys[middle] ?? "") < key) low = middle + 1;
    else high = middle;
  }
  return low;
}
