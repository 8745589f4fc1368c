import type { Kind, KubeObject } from "../../apis/schema/index.ts";

/** Names one object; `namespace` is required for namespaced kinds. */
export interface ObjectRef {
  readonly name: string;
  readonly namespace?: string | undefined;
}

export interface CallOptions {
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds for the whole call, retries included. Default 60 000. */
  readonly timeoutMs?: number | undefined;
}

export interface GetOptions extends CallOptions {
  readonly resourceVersion?: string | undefined;
  readonly subresource?: string | undefined;
}

export interface ListOptions extends CallOptions {
  readonly namespace?: string | undefined;
  readonly labelSelector?: string | undefined;
  readonly fieldSelector?: string | undefined;
  readonly limit?: number | undefined;
  readonly continue?: string | undefined;
  readonly resourceVersion?: string | undefined;
  readonly resourceVersionMatch?: "Exact" | "NotOlderThan" | undefined;
}

export interface WriteOptions extends CallOptions {
  readonly subresource?: string | undefined;
  readonly dryRun?: boolean | undefined;
  readonly fieldManager?: string | undefined;
}

export interface CreateOptions extends WriteOptions {
  /** Default: the object's own namespace. */
  readonly namespace?: string | undefined;
  /** Only with `subresource`: the object the subresource belongs to. */
  readonly name?: string | undefined;
}

export interface DeleteOptions extends CallOptions {
  readonly preconditions?: { readonly uid?: string | undefined; readonly resourceVersion?: string | undefined };
  readonly propagationPolicy?: "Foreground" | "Background" | "Orphan" | undefined;
  readonly gracePeriodSeconds?: number | undefined;
}

/** Body of a PATCH: RFC 7386 (`merge`), RFC 6902 (`json`) or Kubernetes strategic merge (built-in kinds only). */
export interface Patch {
  readonly type: "merge" | "json" | "strategic";
  readonly body: unknown;
}

export interface WatchOptions {
  readonly namespace?: string | undefined;
  readonly labelSelector?: string | undefined;
  readonly fieldSelector?: string | undefined;
  /** Events after this version; without it the present objects come first as ADDED. */
  readonly resourceVersion?: string | undefined;
  readonly allowBookmarks?: boolean | undefined;
  /** Asks the server to end the watch after this many seconds. Default 300 to 600, drawn at random. */
  readonly timeoutSeconds?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Called when the server has accepted the watch, which may be long before the first event. */
  readonly onOpen?: (() => void) | undefined;
  /** Largest event in bytes. Default 16 MiB. */
  readonly maxEventBytes?: number | undefined;
}

/** One change. A BOOKMARK's object carries only `metadata.resourceVersion`. */
export type WatchEvent<T> =
  | { readonly type: "ADDED" | "MODIFIED" | "DELETED"; readonly object: T }
  | { readonly type: "BOOKMARK"; readonly object: { readonly metadata: { readonly resourceVersion: string } } };

/** One page of a list. `metadata.continue` is absent on the last one. */
export interface ListOf<T> {
  readonly metadata: {
    readonly resourceVersion: string;
    readonly continue?: string;
    readonly remainingItemCount?: number;
  };
  readonly items: T[];
}

export interface RawRequest extends CallOptions {
  readonly method: string;
  readonly path: string;
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>> | undefined;
  /** Text and bytes go out as they are, anything else as JSON. */
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** Answer 429 and 503 by trying again, as the typed calls do. Default false: what the server said comes back. */
  readonly retry?: boolean | undefined;
}

export interface RawResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

/**
 * Talks to one API server with one identity. Integers of an answer that JavaScript cannot hold exactly come back as
 * bigint, and bigint is written as a JSON integer. Rejects with {@link ApiError} when the server refused, with
 * a Failure of reason `ApiServerUnreachable` or `ApiServerTimeout` when no answer came.
 */
export interface KubeClient {
  get<T extends KubeObject>(kind: Kind<T>, ref: ObjectRef, options?: GetOptions): Promise<T>;
  /** As `get`; undefined when there is no such object. */
  find<T extends KubeObject>(kind: Kind<T>, ref: ObjectRef, options?: GetOptions): Promise<T | undefined>;
  list<T extends KubeObject>(kind: Kind<T>, options?: ListOptions): Promise<ListOf<T>>;
  /** All pages (500 objects each, or `limit`); starts again, a bounded number of times, when a page token expired. */
  listAll<T extends KubeObject>(kind: Kind<T>, options?: ListOptions): Promise<{ items: T[]; resourceVersion: string }>;
  create<T extends KubeObject>(kind: Kind<T>, object: T, options?: CreateOptions): Promise<T>;
  update<T extends KubeObject>(kind: Kind<T>, object: T, options?: WriteOptions): Promise<T>;
  patch<T extends KubeObject>(kind: Kind<T>, ref: ObjectRef, patch: Patch, options?: WriteOptions): Promise<T>;
  delete(kind: Kind, ref: ObjectRef, options?: DeleteOptions): Promise<void>;
  /** One watch connection; ends when the server ends it, throws ApiError on an ERROR event. */
  watch<T extends KubeObject>(kind: Kind<T>, options?: WatchOptions): AsyncIterable<WatchEvent<T>>;
  /** Any request; resolves with whatever status the server gave. */
  raw(request: RawRequest): Promise<RawResponse>;
  /** Ends watches and requests and closes all connections. */
  close(): Promise<void>;
}
