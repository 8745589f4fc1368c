import type { Logger } from "pino";
import type { Registry } from "prom-client";
import type { Kind, KubeObject } from "../../apis/schema/index.ts";
import type { Clock } from "../../runtime/timing/index.ts";
import type { KubeClient, ObjectRef } from "../client/index.ts";

/**
 * Where a cache stands. `forbidden`: we may not list or watch, so use live reads; `absent`: the server does not serve
 * this kind. Both are looked at again now and then.
 */
export type InformerState = "idle" | "listing" | "synced" | "forbidden" | "absent";

/** One change in a cache. `key` is `namespace/name`, or `name`. */
export interface Change<T> {
  readonly type: "add" | "update" | "delete";
  readonly key: string;
  readonly object: T;
  /** What stood in the cache before; absent for `add`. */
  readonly previous?: T | undefined;
}

/** Values under which an object is found; none leaves it out. */
export type IndexFunction<T> = (object: T) => readonly string[];

export interface InformerOptions<T extends KubeObject> {
  readonly client: KubeClient;
  readonly kind: Kind<T>;
  /** Default: all namespaces. */
  readonly namespace?: string | undefined;
  readonly labelSelector?: string | undefined;
  readonly fieldSelector?: string | undefined;
  /** Trims an object before it is kept. Managed fields are always dropped. */
  readonly transform?: ((object: T) => T) | undefined;
  readonly indexes?: Readonly<Record<string, IndexFunction<T>>> | undefined;
  readonly log: Logger;
  readonly metrics?: Registry | undefined;
  readonly clock?: Clock | undefined;
  /** Objects in one page of a list. Default 500. */
  readonly pageSize?: number | undefined;
  /** Delay before the first reconnect after a fault, doubled up to `maxDelayMs`, jittered. Default 800. */
  readonly minDelayMs?: number | undefined;
  /** Default 30 000. */
  readonly maxDelayMs?: number | undefined;
  /** Delay before the next look when listing or watching is refused (403, 404). Default 30 000. */
  readonly recheckMs?: number | undefined;
}

/** A cache of one kind, kept by one watch. Objects in it are shared: never change them. */
export interface Informer<T extends KubeObject> {
  readonly kind: Kind<T>;
  get(ref: ObjectRef): T | undefined;
  getKey(key: string): T | undefined;
  list(namespace?: string): T[];
  keys(): string[];
  byIndex(index: string, value: string): T[];
  /** Adds an index to a cache that may already hold objects. Throws when the name is taken by another function. */
  addIndex(index: string, values: IndexFunction<T>): void;
  /** The function behind an index, and the trimming, for objects that were read live. */
  indexFunction(index: string): IndexFunction<T>;
  trim(object: T): T;
  state(): InformerState;
  /** True once the first list is in, until watching becomes impossible. */
  hasSynced(): boolean;
  /** Waits until the cache is synced, or until it is known that it cannot be (forbidden, absent). */
  settled(signal?: AbortSignal): Promise<InformerState>;
  /** Calls back for each change, first for each object already there. Returns how to stop. */
  onChange(listener: (change: Change<T>) => void): () => void;
  /** Milliseconds since the cache was last known to be current; Infinity before the first list. */
  stalenessMs(): number;
  /**
   * Keeps the cache current until the signal aborts. May be called by several owners at once: they share one watch,
   * which ends with the last of them.
   */
  run(signal: AbortSignal): Promise<void>;
}
