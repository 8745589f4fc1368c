import type { KubeObject } from "../../apis/schema/index.ts";
import type { CallOptions, KubeClient, ObjectRef } from "../client/index.ts";
import type { Informer } from "./informer.ts";

/** Reads from a cache, and from the server where the cache cannot answer. */
export interface Reader<T extends KubeObject> {
  /** From the cache; one live read when it is not there or the cache is not current. Undefined when there is none. */
  find(ref: ObjectRef, options?: CallOptions): Promise<T | undefined>;
  /** Straight from the server: before refusing for something not ready. */
  findLive(ref: ObjectRef, options?: CallOptions): Promise<T | undefined>;
  list(options?: CallOptions & { readonly namespace?: string | undefined }): Promise<T[]>;
  byIndex(index: string, value: string, options?: CallOptions): Promise<T[]>;
}

export interface ReaderOptions<T extends KubeObject> {
  readonly client: KubeClient;
  readonly informer: Informer<T>;
}

/** A cache with live reads behind it, for roles without watch and for caches that lag. */
export function createReader<T extends KubeObject>(_options: ReaderOptions<T>): Reader<T> {
  throw new Error("not yet");
}
