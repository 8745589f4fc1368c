import { once } from "node:events";
import {
  createSecureServer,
  type Http2SecureServer,
  type Http2ServerRequest,
  type Http2ServerResponse,
} from "node:http2";
import { Agent, createServer as createHttpsServer, request as requestHttps } from "node:https";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { type Authority, createAuthority } from "../../pkg/kube/testing/index.ts";
import { accessOf } from "./access.ts";

/** A request as the proxy sees it. */
export interface ProxiedRequest {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly authorization: string;
}

/** What goes wrong with one request. Without one it goes through. */
export type Fault =
  | {
      readonly type: "answer";
      readonly status: number;
      readonly body?: unknown;
      readonly headers?: Record<string, string>;
    }
  /** Passes so many bytes of the answer's body, then breaks off: the stream alone, or the whole connection. */
  | { readonly type: "truncate"; readonly afterBytes: number; readonly by: "stream" | "connection" }
  /** Never answers. */
  | { readonly type: "hang" }
  /** Goes through once this has settled. */
  | { readonly type: "hold"; readonly until: Promise<unknown> };

export interface FaultProxyOptions {
  /** Speaks HTTP/1.1 only. */
  readonly http1Only?: boolean;
}

/** Stands between a client and a real API server, with TLS of its own, and breaks what a test tells it to. */
export class FaultProxy implements AsyncDisposable {
  readonly seen: ProxiedRequest[] = [];
  /** Connections accepted so far. */
  connections = 0;
  /** Asked for each request. */
  fault: (request: ProxiedRequest) => Fault | undefined = () => undefined;
  readonly #upstream: ReturnType<typeof accessOf>;
  readonly #agent: Agent;
  readonly #inner: Http2SecureServer;
  readonly #front: Server;
  readonly #sockets = new Set<Socket>();
  #authority: Authority;

  private constructor(kubeconfig: string, authority: Authority, inner: Http2SecureServer) {
    this.#upstream = accessOf(kubeconfig);
    this.#agent = new Agent({ keepAlive: true, ca: this.#upstream.ca });
    this.#authority = authority;
    this.#inner = inner;
    inner.on("sessionError", () => undefined);
    inner.on("request", (request, response) => this.#handle(request, response));
    this.#front = createServer((socket) => this.#accept(socket));
  }

  static async start(kubeconfig: string, options: FaultProxyOptions = {}): Promise<FaultProxy> {
    const authority = await createAuthority("first authority");
    const pair = await authority.issue("proxy");
    const inner = options.http1Only
      ? (createHttpsServer(pair) as unknown as Http2SecureServer)
      : createSecureServer({ ...pair, allowHTTP1: true });
    const proxy = new FaultProxy(kubeconfig, authority, inner);
    inner.listen(0, "127.0.0.1");
    proxy.#front.listen(0, "127.0.0.1");
    await Promise.all([once(inner, "listening"), once(proxy.#front, "listening")]);
    return proxy;
  }

  get url(): string {
    return `https://127.0.0.1:${(this.#front.address() as AddressInfo).port}`;
  }

  /** The authority that signed the proxy's present certificate. */
  get caPem(): string {
    return this.#authority.pem;
  }

  get adminToken(): string {
    return this.#upstream.token;
  }

  /** A kubeconfig for the proxy; `user` and `cluster` replace the administrator's token and the authority. */
  kubeconfig(user?: object, cluster?: object): string {
    const ca = { "certificate-authority-data": Buffer.from(this.caPem).toString("base64") };
    return JSON.stringify({
      apiVersion: "v1",
      kind: "Config",
      clusters: [{ name: "it", cluster: { server: this.url, ...(cluster ?? ca) } }],
      users: [{ name: "it", user: user ?? { token: this.adminToken } }],
      contexts: [{ name: "it", context: { cluster: "it", user: "it" } }],
      "current-context": "it",
    });
  }

  /** Breaks every connection. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  /** Nothing goes through any more on the present connections, and nobody is told: a host that vanished. */
  stall(): void {
    for (const socket of this.#sockets) socket.unpipe().pause();
  }

  /** A new authority and certificate for connections from now on. */
  async rotateAuthority(): Promise<void> {
    this.#authority = await createAuthority("second authority");
    this.#inner.setSecureContext(await this.#authority.issue("proxy"));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = [this.#front, this.#inner].map((server) => new Promise((resolve) => server.close(resolve)));
    this.cut();
    this.#agent.destroy();
    await Promise.all(closed);
  }

  #accept(socket: Socket): void {
    this.connections++;
    const inner = connect((this.#inner.address() as AddressInfo).port, "127.0.0.1");
    const pair = [socket, inner];
    for (const [at, each] of pair.entries()) {
      this.#sockets.add(each);
      each.on("error", () => undefined);
      each.once("close", () => {
        this.#sockets.delete(each);
        pair[1 - at]?.destroy();
      });
    }
    socket.pipe(inner).pipe(socket);
  }

  #handle(request: Http2ServerRequest, response: Http2ServerResponse): void {
    const url = new URL(request.url, this.url);
    const proxied: ProxiedRequest = {
      method: request.method,
      path: url.pathname,
      query: url.searchParams,
      authorization: request.headers.authorization ?? "",
    };
    this.seen.push(proxied);
    response.on("error", () => undefined);
    request.on("error", () => undefined);
    const fault = this.fault(proxied);
    if (fault?.type === "hang") return;
    if (fault?.type === "answer") {
      response.writeHead(fault.status, { "content-type": "application/json", ...fault.headers });
      // With a newline, so that it also is a watch event.
      response.end(`${JSON.stringify(fault.body ?? {})}\n`);
      return;
    }
    if (fault?.type === "hold") {
      void fault.until.finally(() => this.#forward(request, response, undefined));
      return;
    }
    this.#forward(request, response, fault);
  }

  #forward(request: Http2ServerRequest, response: Http2ServerResponse, fault: Fault | undefined): void {
    const { url } = this.#upstream;
    const kept = ["authorization", "content-type", "accept", "user-agent"] as const;
    const headers: Record<string, string> = {};
    for (const name of kept) if (request.headers[name] !== undefined) headers[name] = String(request.headers[name]);
    const onward = requestHttps(new URL(request.url, url), { agent: this.#agent, method: request.method, headers });
    onward.on("error", () => breakOff(response));
    response.once("close", () => onward.destroy());
    onward.once("response", (answer) => {
      const { "content-type": type = "application/json", "retry-after": retryAfter } = answer.headers;
      response.writeHead(answer.statusCode ?? 502, {
        "content-type": type,
        ...(retryAfter === undefined ? {} : { "retry-after": retryAfter }),
      });
      // HTTP/1.1 would keep the head back until the first event.
      (response as unknown as { flushHeaders?(): void }).flushHeaders?.();
      let left = fault?.type === "truncate" ? fault.afterBytes : Number.POSITIVE_INFINITY;
      answer.on("error", () => breakOff(response));
      answer.on("data", (chunk: Buffer) => {
        const part = chunk.subarray(0, Math.min(chunk.length, left));
        left -= part.length;
        response.write(part, () => {
          if (left > 0) return;
          if (fault?.type === "truncate" && fault.by === "connection") this.cut();
          else breakOff(response);
        });
      });
      answer.once("end", () => response.end());
    });
    request.pipe(onward);
  }
}

function breakOff(response: Http2ServerResponse): void {
  const { stream } = response as { stream?: { close(code: number): void } };
  // 2: INTERNAL_ERROR, as a proxy whose own connection broke.
  if (stream) stream.close(2);
  else response.socket?.destroy();
}
