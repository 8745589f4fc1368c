import type { KubeObject } from "../../apis/schema/index.ts";
import type { Change, IndexFunction } from "./informer.ts";

/** `namespace/name`, or `name` for cluster-scoped objects. */
export function keyOf(object: KubeObject): string {
  return keyFrom(object.metadata.namespace, object.metadata.name ?? "");
}

export function keyFrom(namespace: string | undefined, name: string): string {
  return namespace ? `${namespace}/${name}` : name;
}

interface Index<T> {
  readonly values: IndexFunction<T>;
  /** Index value → keys. */
  readonly keys: Map<string, Set<string>>;
}

/** The objects of a cache and their indexes. Each write tells what changed. */
export class Store<T extends KubeObject> {
  readonly #objects = new Map<string, T>();
  readonly #indexes = new Map<string, Index<T>>();

  get size(): number {
    return this.#objects.size;
  }

  get(key: string): T | undefined {
    return this.#objects.get(key);
  }

  keys(): string[] {
    return [...this.#objects.keys()];
  }

  list(namespace?: string): T[] {
    const all = [...this.#objects.values()];
    return namespace === undefined ? all : all.filter((each) => each.metadata.namespace === namespace);
  }

  byIndex(name: string, value: string): T[] {
    const index = this.#indexes.get(name);
    if (index === undefined) throw new Error(`cache without index ${name}`);
    return [...(index.keys.get(value) ?? [])].flatMap((key) => this.#objects.get(key) ?? []);
  }

  indexFunction(name: string): IndexFunction<T> {
    const index = this.#indexes.get(name);
    if (index === undefined) throw new Error(`cache without index ${name}`);
    return index.values;
  }

  addIndex(name: string, values: IndexFunction<T>): void {
    const known = this.#indexes.get(name);
    if (known?.values === values) return;
    if (known !== undefined) throw new Error(`index ${name} is there with another function`);
    const index: Index<T> = { values, keys: new Map() };
    this.#indexes.set(name, index);
    for (const [key, object] of this.#objects) enter(index, key, object);
  }

  /** Undefined when this very version stands already. */
  put(object: T): Change<T> | undefined {
    const key = keyOf(object);
    const previous = this.#objects.get(key);
    if (previous && previous.metadata.resourceVersion === object.metadata.resourceVersion) {
      if (previous.metadata.uid === object.metadata.uid) return undefined;
    }
    this.#objects.set(key, object);
    for (const index of this.#indexes.values()) {
      if (previous) leave(index, key, previous);
      enter(index, key, object);
    }
    return { type: previous ? "update" : "add", key, object, previous };
  }

  remove(key: string, last?: T): Change<T> | undefined {
    const previous = this.#objects.get(key);
    if (previous === undefined) return undefined;
    this.#objects.delete(key);
    for (const index of this.#indexes.values()) leave(index, key, previous);
    return { type: "delete", key, object: last ?? previous, previous };
  }

  /** Makes the store hold exactly these. */
  replace(objects: readonly T[]): Change<T>[] {
    const present = new Set(objects.map(keyOf));
    const gone = this.keys().filter((key) => !present.has(key));
    return [...gone.flatMap((key) => this.remove(key) ?? []), ...objects.flatMap((each) => this.put(each) ?? [])];
  }
}

function enter<T>({ values, keys }: Index<T>, key: string, object: T): void {
  for (const value of values(object)) {
    const set = keys.get(value);
    if (set) set.add(key);
    else keys.set(value, new Set([key]));
  }
}

function leave<T>({ values, keys }: Index<T>, key: string, object: T): void {
  for (const value of values(object)) {
    const set = keys.get(value);
    set?.delete(key);
    if (set?.size === 0) keys.delete(value);
  }
}
