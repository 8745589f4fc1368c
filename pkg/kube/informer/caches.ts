import type { Logger } from "pino";
import type { Registry } from "prom-client";
import type { Kind, KubeObject } from "../../apis/schema/index.ts";
import type { Clock } from "../../runtime/timing/index.ts";
import type { KubeClient } from "../client/index.ts";
import { createInformer } from "./create-informer.ts";
import type { Informer, InformerOptions } from "./informer.ts";
import { createReader, type Reader } from "./reader.ts";

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

interface Entry {
  readonly informer: unknown;
  readonly transform: unknown;
}

/** An empty registry of caches. */
export function createCaches(options: CachesOptions): Caches {
  const entries = new Map<string, Entry[]>();

  const informer: Caches["informer"] = <T extends KubeObject>(kind: Kind<T>, wishes: CacheOptions<T> = {}) => {
    const { namespace, labelSelector, fieldSelector, transform, indexes } = wishes;
    const key = JSON.stringify([kind.group, kind.version, kind.plural, namespace, labelSelector, fieldSelector]);
    const same = entries.get(key) ?? [];
    // Who trims otherwise needs other objects, hence a cache of its own.
    const known = same.find((entry) => entry.transform === transform)?.informer as Informer<T> | undefined;
    if (known !== undefined) {
      for (const [name, values] of Object.entries(indexes ?? {})) known.addIndex(name, values);
      return known;
    }
    const made = createInformer<T>({ ...options, ...wishes, kind });
    entries.set(key, [...same, { informer: made, transform }]);
    return made;
  };

  return {
    informer,
    reader: (kind, wishes = {}) => {
      const { namespace, labelSelector, fieldSelector } = wishes;
      const selection = { namespace, labelSelector, fieldSelector };
      return createReader({ client: options.client, informer: informer(kind, wishes), selection });
    },
  };
}
