import type { Logger } from "pino";
import type { Registry } from "prom-client";
import {
  apiVersionOf,
  type Kind,
  type KubeObject,
  parseJson,
  stringifyJson,
  withInt64,
} from "../../apis/schema/index.ts";
import { type Clock, systemClock } from "../../runtime/timing/index.ts";
import type { KubeConfig } from "../config/index.ts";
import { createTransport } from "../transport/transport.ts";
import { openWatch } from "../watch/watch.ts";
import { isExpired, isNotFound } from "./api-error.ts";
import type {
  CallOptions,
  CreateOptions,
  DeleteOptions,
  GetOptions,
  KubeClient,
  ListOf,
  ListOptions,
  ObjectRef,
  Patch,
  RawRequest,
  RawResponse,
  WriteOptions,
} from "./client.ts";
import { clientMeter } from "./metrics.ts";
import { objectPath, pathOf, withQuery } from "./path.ts";
import { tokenBucket } from "./rate-limit.ts";
import { brokenAnswer, refusalError } from "./refusal.ts";
import { Requester } from "./requester.ts";

export interface KubeClientOptions {
  readonly config: KubeConfig;
  /** Such as `csi-snapshot-metadata/1.1.0`. */
  readonly userAgent: string;
  /** Requests a second, when a person asked for a limit (`--kube-api-qps`). None by default. */
  readonly qps?: number | undefined;
  /** Requests at once above `qps`. Default 10. */
  readonly burst?: number | undefined;
  readonly log: Logger;
  readonly metrics?: Registry | undefined;
  readonly clock?: Clock | undefined;
  /** Silence in milliseconds after which a connection is pinged. Default 30 000. */
  readonly pingIdleMs?: number | undefined;
  /** Milliseconds a ping may take before the connection counts as dead. Default 15 000. */
  readonly pingTimeoutMs?: number | undefined;
  /** Milliseconds for one call unless it says otherwise. Default 60 000. */
  readonly timeoutMs?: number | undefined;
  /** Largest answer to anything but a watch, bytes. Default 256 MiB for lists, 16 MiB for one object. */
  readonly maxResponseBytes?: number | undefined;
}

/** A client that opens no connection before the first call. */
export function createKubeClient(options: KubeClientOptions): KubeClient {
  const { config, qps, burst, clock = systemClock } = options;
  const transport = createTransport({
    config,
    ping: { idleMs: options.pingIdleMs ?? 30_000, timeoutMs: options.pingTimeoutMs ?? 15_000 },
    connectTimeoutMs: 30_000,
  });
  const requester = new Requester({
    config,
    transport,
    userAgent: options.userAgent,
    meter: clientMeter(options.metrics, config.server.host),
    rateLimit: qps !== undefined && qps > 0 ? tokenBucket(qps, Math.max(1, burst ?? 10), clock) : undefined,
    clock,
    log: options.log,
    timeoutMs: options.timeoutMs ?? 60_000,
  });
  const limits = {
    object: options.maxResponseBytes ?? 16 * 1024 * 1024,
    list: options.maxResponseBytes ?? 256 * 1024 * 1024,
  };
  return new TypedClient(requester, config.server, limits, () => transport.close());
}

interface Limits {
  readonly object: number;
  readonly list: number;
}

interface Send {
  readonly method: string;
  readonly path: string;
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>>;
  readonly body?: unknown;
  readonly contentType?: string;
  readonly maxBytes?: number;
  readonly options: CallOptions;
}

const contentTypes = {
  merge: "application/merge-patch+json",
  json: "application/json-patch+json",
  strategic: "application/strategic-merge-patch+json",
} as const;

const maxListRestarts = 5;
const defaultPage = 500;

class TypedClient implements KubeClient {
  readonly #requester: Requester;
  readonly #server: URL;
  readonly #limits: Limits;
  readonly #close: () => void;

  constructor(requester: Requester, server: URL, limits: Limits, close: () => void) {
    this.#requester = requester;
    this.#server = server;
    this.#limits = limits;
    this.#close = close;
  }

  get<T extends KubeObject>(kind: Kind<T>, ref: ObjectRef, options: GetOptions = {}): Promise<T> {
    const path = objectPath(kind, { ...ref, subresource: options.subresource });
    return this.#object(kind, { method: "GET", path, query: { resourceVersion: options.resourceVersion }, options });
  }

  async find<T extends KubeObject>(kind: Kind<T>, ref: ObjectRef, options: GetOptions = {}): Promise<T | undefined> {
    try {
      return await this.get(kind, ref, options);
    } catch (thrown) {
      if (isNotFound(thrown)) return undefined;
      throw thrown;
    }
  }

  async list<T extends KubeObject>(kind: Kind<T>, options: ListOptions = {}): Promise<ListOf<T>> {
    const { labelSelector, fieldSelector, limit, resourceVersion, resourceVersionMatch } = options;
    const page = await this.#send<ListOf<T>>({
      method: "GET",
      path: pathOf(kind, { namespace: options.namespace }),
      query: { labelSelector, fieldSelector, limit, continue: options.continue, resourceVersion, resourceVersionMatch },
      maxBytes: this.#limits.list,
      options,
    });
    const items = page.items ?? [];
    // The server leaves these out of list items, but events and owner references need them.
    const identity = { apiVersion: apiVersionOf(kind), kind: kind.kind };
    return {
      metadata: page.metadata,
      items: items.map((item) => withInt64(kind, item.kind ? item : { ...identity, ...item })),
    };
  }

  async listAll<T extends KubeObject>(
    kind: Kind<T>,
    options: ListOptions = {},
  ): Promise<{ items: T[]; resourceVersion: string }> {
    const limit = options.limit ?? defaultPage;
    for (let restarts = 0; ; restarts++) {
      const items: T[] = [];
      let page = await this.list(kind, { ...options, limit });
      try {
        items.push(...page.items);
        while (page.metadata.continue) {
          const { resourceVersion: _first, resourceVersionMatch: _match, ...rest } = options;
          page = await this.list(kind, { ...rest, limit, continue: page.metadata.continue });
          items.push(...page.items);
        }
        return { items, resourceVersion: page.metadata.resourceVersion };
      } catch (thrown) {
        if (!isExpired(thrown) || restarts >= maxListRestarts) throw thrown;
      }
    }
  }

  create<T extends KubeObject>(kind: Kind<T>, object: T, options: CreateOptions = {}): Promise<T> {
    const namespace = options.namespace ?? object.metadata?.namespace;
    const body = options.subresource === undefined ? typed(kind, object) : object;
    const path = createPath(kind, namespace, options);
    return this.#object(kind, { method: "POST", path, query: writeQuery(options), body, options });
  }

  update<T extends KubeObject>(kind: Kind<T>, object: T, options: WriteOptions = {}): Promise<T> {
    const { name = "", namespace } = object.metadata;
    const path = objectPath(kind, { name, namespace, subresource: options.subresource });
    return this.#object(kind, { method: "PUT", path, query: writeQuery(options), body: typed(kind, object), options });
  }

  patch<T extends KubeObject>(kind: Kind<T>, ref: ObjectRef, patch: Patch, options: WriteOptions = {}): Promise<T> {
    return this.#object(kind, {
      method: "PATCH",
      path: objectPath(kind, { ...ref, subresource: options.subresource }),
      query: writeQuery(options),
      body: patch.body,
      contentType: contentTypes[patch.type],
      options,
    });
  }

  async delete(kind: Kind, ref: ObjectRef, options: DeleteOptions = {}): Promise<void> {
    const { preconditions, propagationPolicy, gracePeriodSeconds } = options;
    const wishes = { preconditions, propagationPolicy, gracePeriodSeconds };
    const body = { apiVersion: "v1", kind: "DeleteOptions", ...wishes };
    await this.#send({ method: "DELETE", path: objectPath(kind, ref), body, options });
  }

  watch<T extends KubeObject>(
    kind: Kind<T>,
    options: Parameters<KubeClient["watch"]>[1] = {},
  ): ReturnType<typeof openWatch<T>> {
    return openWatch({ requester: this.#requester, server: this.#server }, kind, options);
  }

  async raw(request: RawRequest): Promise<RawResponse> {
    const { body } = request;
    const plain = typeof body === "string" || body instanceof Uint8Array;
    const json = plain || body === undefined ? {} : { "content-type": "application/json" };
    const {
      status,
      headers,
      body: answered,
    } = await this.#requester.call({
      method: request.method,
      path: withQuery(request.path, request.query),
      headers: { ...json, ...lowerCased(request.headers) },
      body: body === undefined ? undefined : plain ? Buffer.from(body as string) : Buffer.from(stringifyJson(body)),
      maxBytes: this.#limits.list,
      retry: request.retry ?? false,
      signal: request.signal,
      timeoutMs: request.timeoutMs,
    });
    return { status, headers, body: answered };
  }

  async close(): Promise<void> {
    this.#close();
  }

  async #object<T extends KubeObject>(kind: Kind<T>, send: Send): Promise<T> {
    return withInt64(kind, await this.#send<T>(send));
  }

  async #send<R>({ method, path, query, body, contentType, maxBytes, options }: Send): Promise<R> {
    const answer = await this.#requester.call({
      method,
      path: withQuery(path, query),
      headers: body === undefined ? {} : { "content-type": contentType ?? "application/json" },
      body: body === undefined ? undefined : Buffer.from(stringifyJson(body)),
      maxBytes: maxBytes ?? this.#limits.object,
      retry: true,
      signal: options.signal,
      timeoutMs: options.timeoutMs,
    });
    const text = answer.body.toString("utf8");
    const { status, headers, withoutEchoes } = answer;
    if (status >= 200 && status < 300) {
      try {
        return parseJson(text) as R;
      } catch {
        // A gateway's page with status 200 is no answer of an API server; nor is half a Secret one to be quoted.
        throw brokenAnswer({ status, method, path });
      }
    }
    throw refusalError({ status, method, path, retryAfter: headers["retry-after"], body: text, withoutEchoes });
  }
}

function typed<T extends KubeObject>(kind: Kind<T>, object: T): T {
  return { ...object, apiVersion: object.apiVersion ?? apiVersionOf(kind), kind: object.kind ?? kind.kind };
}

/** A kind that lives only below objects of another is created there. */
function createPath(kind: Kind, namespace: string | undefined, { name, subresource }: CreateOptions): string {
  const { subresourceOf } = kind;
  if (subresourceOf !== undefined) {
    return objectPath(subresourceOf.parent, { namespace, name: name ?? "", subresource: subresourceOf.name });
  }
  if (name !== undefined) return objectPath(kind, { namespace, name, subresource });
  return pathOf(kind, { namespace, subresource });
}

function writeQuery({ dryRun, fieldManager }: WriteOptions): Record<string, string | undefined> {
  return { dryRun: dryRun ? "All" : undefined, fieldManager };
}

function lowerCased(headers: Readonly<Record<string, string>> = {}): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
}
