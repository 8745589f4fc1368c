import { once } from "node:events";
import {
  createSecureServer,
  type Http2SecureServer,
  type Http2ServerRequest,
  type Http2ServerResponse,
} from "node:http2";
import { createServer } from "node:https";
import type { AddressInfo, Socket } from "node:net";
import { type Authority, createAuthority, type Pair } from "./certificates.ts";

export interface Received {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
  readonly httpVersion: string;
}

/** Answers one request. `response` is node's, for answers that go on or break off. */
export type Script = (request: Received, response: Http2ServerResponse) => void | Promise<void>;

export interface ScriptedServerOptions {
  /** Only HTTP/1.1, as some gateways. */
  readonly http1Only?: boolean;
  readonly maxConcurrentStreams?: number;
  readonly authority?: Authority;
  /** Names and addresses in the server's certificate. */
  readonly names?: readonly string[];
  readonly requestCert?: boolean;
}

/** A TLS server on loopback that answers what a test tells it to, over HTTP/2 or HTTP/1.1. */
export class ScriptedServer implements AsyncDisposable {
  readonly received: Received[] = [];
  readonly sockets = new Set<Socket>();
  /** Connections accepted so far. */
  connections = 0;
  script: Script;
  readonly authority: Authority;
  readonly #server: Http2SecureServer;

  private constructor(server: Http2SecureServer, authority: Authority, script: Script) {
    this.#server = server;
    this.authority = authority;
    this.script = script;
    server.on("secureConnection", (socket: Socket) => {
      this.connections++;
      this.sockets.add(socket);
      socket.on("error", () => undefined);
      socket.once("close", () => this.sockets.delete(socket));
    });
    server.on("sessionError", () => undefined);
    server.on("request", (request, response) => void this.#answer(request, response));
  }

  static async start(script: Script, options: ScriptedServerOptions = {}): Promise<ScriptedServer> {
    const authority = options.authority ?? (await createAuthority());
    const pair = await authority.issue("server", options.names);
    const tls = {
      ...pair,
      ca: authority.pem,
      requestCert: options.requestCert ?? false,
      rejectUnauthorized: false,
    };
    const server = options.http1Only
      ? (createServer(tls) as unknown as Http2SecureServer)
      : createSecureServer({ ...tls, settings: { maxConcurrentStreams: options.maxConcurrentStreams ?? 100 } });
    const scripted = new ScriptedServer(server, authority, script);
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return scripted;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get url(): string {
    return `https://127.0.0.1:${this.port}`;
  }

  /** Another certificate from now on, for new connections. */
  useCertificate(pair: Pair): void {
    this.#server.setSecureContext(pair);
  }

  /** A kubeconfig for this server; `user` and `cluster` are merged in. */
  kubeconfig(user: object = { token: "test-token" }, cluster: object = {}): string {
    const ca = { "certificate-authority-data": Buffer.from(this.authority.pem).toString("base64") };
    return JSON.stringify({
      apiVersion: "v1",
      kind: "Config",
      clusters: [{ name: "test", cluster: { server: this.url, ...ca, ...cluster } }],
      users: [{ name: "test", user }],
      contexts: [{ name: "test", context: { cluster: "test", user: "test", namespace: "default" } }],
      "current-context": "test",
    });
  }

  /** Cuts every connection. */
  cut(): void {
    for (const socket of this.sockets) socket.destroy();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.cut();
    await closed;
  }

  async #answer(request: Http2ServerRequest, response: Http2ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    request.on("error", () => undefined);
    response.on("error", () => undefined);
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const received: Received = {
      method: request.method,
      path: request.url,
      headers: request.headers,
      body: Buffer.concat(chunks).toString("utf8"),
      httpVersion: request.httpVersion,
    };
    this.received.push(received);
    await this.script(received, response);
  }
}

/** Answers with JSON. */
export function reply(
  response: Http2ServerResponse,
  status: number,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
): void {
  response.writeHead(status, { "content-type": "application/json", ...headers });
  response.end(typeof body === "string" ? body : JSON.stringify(body));
}

/** A metav1.Status, as the API server refuses. */
export function status(code: number, reason: string, message: string, details: object = {}): object {
  return { apiVersion: "v1", kind: "Status", status: "Failure", code, reason, message, details };
}
