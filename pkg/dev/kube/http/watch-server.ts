import type { RequestMatch } from "../dev-kube.ts";
import type { ListOptions } from "../registry/options.ts";
import { apiVersion, type Resource } from "../registry/resource.ts";
import type { Watch, WatchEvent, Watches } from "../registry/watches.ts";
import { type JsonObject, stringifyJson } from "../wire/json.ts";
import { matchesRequest } from "./disturbances.ts";
import type { Exchange } from "./exchange.ts";
import { type Shape, shapeOne } from "./output.ts";
import type { RequestInfo } from "./request-info.ts";
import type { ResourceRequest } from "./resource-request.ts";

/** Longest time a watch lives when the client names none. */
const defaultTimeoutMs = 30 * 60_000;
/** Unsent bytes at which a client counts as stuck and is cut. */
const stuckAtBytes = 64 * 1024 * 1024;

/** Serves watches: one line of JSON per event, bookmarks, and an end after the timeout. */
export class WatchServer {
  readonly #watches: Watches;
  readonly #bookmarkMs: number;
  readonly #open = new Map<Exchange, RequestInfo>();

  constructor(watches: Watches, bookmarkMs: number) {
    this.#watches = watches;
    this.#bookmarkMs = bookmarkMs;
  }

  serve(request: ResourceRequest, options: ListOptions, shape: Shape): void {
    const { exchange, info, resource } = request;
    exchange.begin(200, shape.form.contentType);
    (exchange.response as { flushHeaders?: () => void }).flushHeaders?.();
    this.#open.set(exchange, info);
    let first = true;
    let ended = false;
    const end = (): void => {
      if (ended) return;
      ended = true;
      this.#open.delete(exchange);
      clearTimeout(timeout);
      clearInterval(bookmarks);
      clearTimeout(closing);
      watch?.stop();
      exchange.response.end();
    };
    const send = (event: WatchEvent): void => {
      if (ended) return;
      const object = this.#object(event, resource, { ...shape, noHeaders: !first });
      first = false;
      const flowing = exchange.write(`${stringifyJson({ type: event.type, object })}\n`);
      if (!flowing && unsent(exchange) > stuckAtBytes) end();
    };
    const timeoutMs = options.timeoutSeconds ? options.timeoutSeconds * 1000 : defaultTimeoutMs;
    const timeout = setTimeout(end, timeoutMs);
    const tell = (): void => {
      if (options.allowBookmarks) watch?.bookmark();
    };
    const bookmarks = setInterval(tell, this.#bookmarkMs);
    const closing = setTimeout(tell, Math.max(timeoutMs - 2000, 0));
    if (timeoutMs <= 2000) clearTimeout(closing);
    for (const timer of [timeout, bookmarks, closing]) timer.unref();
    exchange.response.on("close", end);
    let watch: Watch | undefined;
    watch = this.#watches.start(resource, info.namespace, options, (event) => {
      send(event);
      if (event.type === "ERROR") queueMicrotask(end);
    });
    if (ended) watch.stop();
  }

  #object(event: WatchEvent, resource: Resource, shape: Shape): JsonObject {
    if (event.type === "ERROR") return event.failure.status();
    if (event.type !== "BOOKMARK") return shapeOne(event.object, shape);
    const meta: JsonObject = {
      resourceVersion: event.resourceVersion,
      ...(event.initialEnd ? { annotations: { "k8s.io/initial-events-end": "true" } } : {}),
    };
    const bare = { kind: resource.kind, apiVersion: apiVersion(resource), metadata: meta };
    if (shape.form.as === "Table") return shapeOne(bare, { ...shape, include: "Metadata" });
    return shape.form.as === "object" ? resource.blank(meta) : shapeOne(bare, shape);
  }

  /** Ends matching watches at once, as a lost connection would; returns how many. */
  cut(match: RequestMatch = {}): number {
    const victims = [...this.#open].filter(([, info]) =>
      matchesRequest({ ...match, verb: "watch" }, { ...info, verb: "watch" }),
    );
    for (const [exchange] of victims) exchange.response.destroy();
    return victims.length;
  }
}

function unsent({ response }: Exchange): number {
  return (response as { writableLength?: number }).writableLength ?? 0;
}
