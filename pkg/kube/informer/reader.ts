import type { KubeObject } from "../../apis/schema/index.ts";
import type { CallOptions, KubeClient, ListOptions, ObjectRef } from "../client/index.ts";
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
  /** What the cache holds, when not everything: live lists ask for the same. */
  readonly selection?: Pick<ListOptions, "namespace" | "labelSelector" | "fieldSelector"> | undefined;
}

/** A cache with live reads behind it, for roles without watch and for caches that lag. */
export function createReader<T extends KubeObject>({ client, informer, selection }: ReaderOptions<T>): Reader<T> {
  const { kind } = informer;
  const findLive: Reader<T>["findLive"] = async (ref, options) => {
    const found = await client.find(kind, ref, options);
    return found && informer.trim(found);
  };
  const list: Reader<T>["list"] = async (options = {}) => {
    if (informer.hasSynced()) return informer.list(options.namespace);
    const { items } = await client.listAll(kind, {
      ...selection,
      ...options,
      namespace: options.namespace ?? selection?.namespace,
    });
    return items.map((each) => informer.trim(each));
  };
  return {
    findLive,
    find: async (ref, options) => (informer.hasSynced() ? informer.get(ref) : undefined) ?? findLive(ref, options),
    list,
    byIndex: async (index, value, options) => {
      if (informer.hasSynced()) return informer.byIndex(index, value);
      const values = informer.indexFunction(index);
      return (await list(options)).filter((each) => values(each).includes(value));
    },
  };
}
