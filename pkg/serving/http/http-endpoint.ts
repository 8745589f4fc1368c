import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { messageOf } from "../../runtime/errors/index.ts";
import { type Logger, silentLogger } from "../../runtime/log/index.ts";
import type { Registry } from "../../runtime/metrics/index.ts";
import { formatListenAddress, parseListenAddress } from "../address/index.ts";
import { createReadiness, type Readiness } from "./readiness.ts";

/** What a health and metrics endpoint offers. */
export interface HttpEndpointOptions {
  /** Go syntax: ":8080", "127.0.0.1:0". */
  readonly address: string;
  /** The flag that gave the address, for the message when it can not be bound. */
  readonly flag?: string;
  /** Where the metrics are. "/metrics" unless told; empty for nowhere. */
  readonly metricsPath?: string;
  readonly registry?: Registry;
  /** Always ready unless told. */
  readonly ready?: Readiness;
  /** Paths of the original program that answer "ok" or, with 503, "not ready": for example "/health". */
  readonly healthPaths?: readonly string[];
  readonly log?: Logger;
}

/** A bound endpoint: `/healthz` (alive), `/readyz` (ready, or which checks fail), metrics and the original paths. */
export interface HttpEndpoint extends AsyncDisposable {
  readonly port: number;
  /** As Go prints it, with the port that was really bound. */
  readonly address: string;
  readonly ready: Readiness;
  /** Adds what another component of the process wants answered here. */
  extend(more: Pick<HttpEndpointOptions, "metricsPath" | "healthPaths">): void;
  /** Stops listening and ends all connections. May be called again. */
  close(): Promise<void>;
}

interface Answer {
  readonly status: number;
  readonly body: string;
  readonly type?: string;
}

type Route = () => Answer | Promise<Answer>;

/** Binds the endpoint. Plain HTTP, as kubelet and Prometheus expect it of the originals. */
export async function createHttpEndpoint(options: HttpEndpointOptions): Promise<HttpEndpoint> {
  const { log = silentLogger(), ready = createReadiness(), registry, flag = "http-endpoint" } = options;
  const routes = new Map<string, Route>([
    ["/healthz", () => ({ status: 200, body: "ok" })],
    ["/readyz", () => verdict(ready, true)],
  ]);
  const extend: HttpEndpoint["extend"] = ({ metricsPath = "", healthPaths = [] }) => {
    for (const path of healthPaths) routes.set(path, () => verdict(ready, false));
    if (metricsPath === "" || registry === undefined) return;
    routes.set(metricsPath, async () => ({ status: 200, body: await registry.metrics(), type: registry.contentType }));
  };
  extend({ metricsPath: options.metricsPath ?? "/metrics", healthPaths: options.healthPaths ?? [] });
  const server = createServer(
    { requestTimeout: 10_000, headersTimeout: 10_000, keepAliveTimeout: 65_000 },
    (request, response) => void answer(routes, request, response, log),
  );
  server.maxConnections = 256;
  const bound = await listen(server, options.address, flag);
  const close = closer(server);
  return { ...bound, ready, extend, close, [Symbol.asyncDispose]: close };
}

function verdict(ready: Readiness, detailed: boolean): Answer {
  const failing = ready.failing();
  if (failing.length === 0) return { status: 200, body: "ok" };
  return { status: 503, body: detailed ? ["not ready", ...failing].join("\n") : "not ready" };
}

async function answer(
  routes: ReadonlyMap<string, Route>,
  request: IncomingMessage,
  response: ServerResponse,
  log: Logger,
): Promise<void> {
  // No path here takes a body: what is sent along is thrown away with the connection.
  if (Number(request.headers["content-length"] ?? 0) > 0 || request.headers["transfer-encoding"] !== undefined) {
    response.setHeader("connection", "close");
  }
  const path = (request.url ?? "/").split("?", 1)[0] as string;
  const {
    status,
    body,
    type = "text/plain; charset=utf-8",
  } = await resolve(routes.get(path), request.method, log, path);
  if (status === 405) response.setHeader("allow", "GET, HEAD");
  response.writeHead(status, {
    "content-type": type,
    "content-length": Buffer.byteLength(body),
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
  });
  response.end(request.method === "HEAD" ? undefined : body);
}

async function resolve(
  route: Route | undefined,
  method: string | undefined,
  log: Logger,
  path: string,
): Promise<Answer> {
  if (route === undefined) return { status: 404, body: "not found" };
  if (method !== "GET" && method !== "HEAD") return { status: 405, body: "only GET and HEAD" };
  try {
    return await route();
  } catch (thrown) {
    log.error({ err: thrown, path }, "http endpoint could not answer");
    return { status: 500, body: "internal error" };
  }
}

async function listen(server: Server, text: string, flag: string): Promise<{ port: number; address: string }> {
  try {
    const wanted = parseListenAddress(text);
    server.listen(wanted);
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    return { port, address: formatListenAddress({ ...wanted, port }) };
  } catch (thrown) {
    throw new Error(`--${flag}=${text}: can not listen: ${messageOf(thrown)}`, { cause: thrown });
  }
}

function closer(server: Server): () => Promise<void> {
  let closed: Promise<void> | undefined;
  return () => {
    closed ??= new Promise((resolve) => {
      server.close(() => resolve());
      server.closeIdleConnections();
      // A scrape under way takes milliseconds; whoever holds a connection longer does not hold up the end.
      setTimeout(() => server.closeAllConnections(), 500).unref();
    });
    return closed;
  };
}
