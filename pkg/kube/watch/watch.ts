import { type Kind, type KubeObject, parseJson, withInt64 } from "../../apis/schema/index.ts";
import { Failure } from "../../runtime/errors/index.ts";
import { linkedSignal } from "../../runtime/timing/index.ts";
import type { WatchEvent, WatchOptions } from "../client/client.ts";
import { pathOf, withQuery } from "../client/path.ts";
import { refusalError, statusError } from "../client/refusal.ts";
import type { Requester } from "../client/requester.ts";
import { ConnectionLost } from "../transport/exchange.ts";
import { lines } from "./lines.ts";

export interface WatchDeps {
  readonly requester: Requester;
  readonly server: URL;
}

const changes: ReadonlySet<unknown> = new Set(["ADDED", "MODIFIED", "DELETED", "BOOKMARK"]);
const refusalBytes = 1024 * 1024;
const defaultEventBytes = 16 * 1024 * 1024;
/** How long after the promised end a watch is given up, seconds: pings find dead connections, this finds dead servers. */
const graceSeconds = 30;

/** One watch connection, event by event; reading it slowly slows the server down. */
export async function* openWatch<T extends KubeObject>(
  { requester, server }: WatchDeps,
  kind: Kind<T>,
  options: WatchOptions,
): AsyncGenerator<WatchEvent<T>> {
  const path = pathOf(kind, { namespace: options.namespace });
  const timeoutSeconds = options.timeoutSeconds ?? Math.ceil(300 * (1 + Math.random()));
  const query = {
    watch: true,
    labelSelector: options.labelSelector,
    fieldSelector: options.fieldSelector,
    resourceVersion: options.resourceVersion,
    allowWatchBookmarks: options.allowBookmarks ?? true,
    timeoutSeconds,
  };
  using scope = linkedSignal(options.signal);
  const call = { method: "GET", path: withQuery(path, query), maxBytes: refusalBytes, retry: true };
  const answer = await requester.stream(call, scope);
  if (!("stream" in answer)) {
    const { status, headers, withoutEchoes } = answer;
    throw refusalError({
      status,
      method: "GET",
      path,
      retryAfter: headers["retry-after"],
      body: answer.body.toString("utf8"),
      withoutEchoes,
    });
  }
  const { stream } = answer;
  options.onOpen?.();
  const overdue = setTimeout(() => scope.abort(lateEnd(path)), (timeoutSeconds + graceSeconds) * 1000).unref();
  try {
    for await (const line of lines(stream.body, options.maxEventBytes ?? defaultEventBytes)) {
      const event = readEvent<T>(line, path);
      if (event.type !== "BOOKMARK") withInt64(kind, event.object);
      yield event;
    }
  } catch (thrown) {
    if (scope.signal.aborted) throw scope.signal.reason;
    throw thrown instanceof Failure ? thrown : new ConnectionLost(server, true, stream.cut() ?? thrown);
  } finally {
    clearTimeout(overdue);
    stream.body.destroy();
  }
  if (scope.signal.aborted) throw scope.signal.reason;
  const cut = stream.cut();
  if (cut !== undefined) throw new ConnectionLost(server, true, cut);
}

function readEvent<T>(line: string, path: string): WatchEvent<T> {
  let event: { type?: unknown; object?: { metadata?: { resourceVersion?: unknown } } };
  try {
    event = parseJson(line) as typeof event;
  } catch {
    // Without its cause: the parser's message quotes the line, which may be a Secret.
    throw new Failure("transient", "WatchBroken", `watch of ${path}: a line is not JSON`);
  }
  if (event?.type === "ERROR") throw statusError(event.object, "GET", path);
  const known = changes.has(event?.type) && typeof event.object?.metadata?.resourceVersion === "string";
  if (known) return event as WatchEvent<T>;
  throw new Failure("transient", "WatchBroken", `watch of ${path}: an event without type or resourceVersion`);
}

function lateEnd(path: string): Failure {
  return new Failure("transient", "WatchOverdue", `watch of ${path}: the server did not end it when it said it would`);
}
