import { Agent as HttpAgent, type IncomingMessage, request as requestHttp } from "node:http";
import { Agent as HttpsAgent, request as requestHttps } from "node:https";
import type { Socket } from "node:net";
import { ConnectionLost, type Incoming, type Outgoing, type Pool } from "./exchange.ts";

export interface Http1PoolDeps {
  readonly server: URL;
  /** Opens one more connection. */
  open(): Promise<Socket>;
}

/** HTTP/1.1 connections that are kept alive, for servers and gateways without HTTP/2. */
export class Http1Pool implements Pool {
  readonly protocol = "http/1.1";
  readonly #server: URL;
  readonly #agent: HttpAgent;

  constructor({ server, open }: Http1PoolDeps, first: Socket) {
    this.#server = server;
    this.#agent = new (server.protocol === "https:" ? HttpsAgent : HttpAgent)({ keepAlive: true, maxSockets: 256 });
    let spare: Socket | undefined = first;
    this.#agent.createConnection = (_options, opened) => {
      const next = spare && !spare.destroyed ? Promise.resolve(spare) : open();
      spare = undefined;
      next.then(
        (socket) => opened?.(null, socket),
        (error: Error) => opened?.(error, undefined as never),
      );
      return undefined;
    };
  }

  async exchange({ method, path, headers, body, signal }: Outgoing): Promise<Incoming> {
    const send = this.#server.protocol === "https:" ? requestHttps : requestHttp;
    const length = body === undefined ? {} : { "content-length": String(body.length) };
    const request = send({
      agent: this.#agent,
      host: this.#server.hostname,
      port: this.#server.port,
      method,
      path,
      headers: { host: this.#server.host, ...headers, ...length } as Record<string, string | string[]>,
      signal,
    });
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      request.once("response", resolve);
      request.once("error", (error) => {
        const sent = (request.socket?.bytesWritten ?? 0) > 0;
        reject(signal.aborted ? signal.reason : new ConnectionLost(this.#server, sent, error));
      });
      request.end(body);
    });
    return {
      status: response.statusCode ?? 0,
      headers: response.headers as Record<string, string>,
      body: response,
      cut: () => (response.complete ? undefined : new Error("connection closed in the middle of the answer")),
    };
  }

  close(now: boolean): void {
    // Destroying the agent cuts requests under way; without keep-alive idle sockets go and busy ones end themselves.
    if (now) this.#agent.destroy();
    else
      for (const sockets of Object.values(this.#agent.freeSockets))
        for (const socket of sockets ?? []) socket.destroy();
  }
}
