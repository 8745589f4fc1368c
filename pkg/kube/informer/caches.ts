import type { Logger } from "pino";
import type { Registry } from "prom-client";
import type { Kind, KubeObject } from "../../apis/schema/index.ts";
import type { Clock } from "../../runtime/timing/index.ts";
import type { KubeClient } from "../client/index.ts";
import type { Informer, InformerOptions } from "./informer.ts";
import type { Reader } from "./reader.ts";

export interface CachesOptions {
  readonly client: KubeClient;
  readonly log: Logger;
  readonly metrics?: Registry | undefined;
  readonly clock?: Clock | undefined;
}

export type CacheOptions<T extends KubeObject> = Pick<
  InformerOptions<T>,
  "namespace" | "labelSelector" | "fieldSelector" | "transform" | "indexes"
>;

/** One watch cache per kind, namespace and selector for the whole process. Share it through `env.share`. */
export interface Caches {
  /** The cache for this selection; who asks first makes it, its owners keep it current with `run`. */
  informer<T extends KubeObject>(kind: Kind<T>, options?: CacheOptions<T>): Informer<T>;
  /** The same cache with live reads behind it. */
  reader<T extends KubeObject>(kind: Kind<T>, options?: CacheOptions<T>): Reader<T>;
}

/** An empty registry of caches. */
export function createCaches(_options: CachesOptions): Caches {
  throw new Error("not yet");
}
