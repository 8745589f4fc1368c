import type { IncomingMessage, ServerResponse } from "node:http";
import { createSecureServer, type Http2SecureServer, type Http2Session } from "node:http2";
import type { AddressInfo, Socket } from "node:net";
import type { KeyPair } from "../../../runtime/certificates/index.ts";
import { Exchange } from "./exchange.ts";

/** What the listener serves with. */
export interface ListenerOptions {
  readonly server: KeyPair;
  readonly caPem: string;
  readonly serve: (exchange: Exchange) => Promise<void>;
}

/** HTTPS on 127.0.0.1, HTTP/2 and HTTP/1.1 on one port. */
export class Listener {
  readonly #server: Http2SecureServer;
  readonly #sessions = new Set<Http2Session>();
  readonly #sockets = new Set<Socket>();
  #closed: Promise<void> | undefined;

  constructor({ server, caPem, serve }: ListenerOptions) {
    this.#server = createSecureServer({
      key: server.keyPem,
      cert: server.certPem,
      ca: caPem,
      allowHTTP1: true,
      requestCert: true,
      rejectUnauthorized: false,
      settings: { maxConcurrentStreams: 250, initialWindowSize: 1024 * 1024 },
    });
    this.#server.on("session", (session) => {
      this.#sessions.add(session);
      session.once("close", () => this.#sessions.delete(session));
    });
    this.#server.on("secureConnection", (socket: Socket) => {
      this.#sockets.add(socket);
      socket.once("close", () => this.#sockets.delete(socket));
    });
    // A client that goes away mid-request is its own business.
    this.#server.on("sessionError", () => undefined);
    this.#server.on("request", (request, response) => {
      response.on("error", () => undefined);
      // HTTP/2 comes through the same interface as HTTP/1.1.
      void serve(new Exchange(request as unknown as IncomingMessage, response as unknown as ServerResponse));
    });
  }

  /** The port, once it listens. */
  listen(port: number): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#server.once("error", reject);
      this.#server.listen(port, "127.0.0.1", () => {
        this.#server.removeListener("error", reject);
        resolve((this.#server.address() as AddressInfo).port);
      });
    });
  }

  /** Ends every connection and frees the port. */
  close(): Promise<void> {
    this.#closed ??= new Promise((resolve) => {
      this.#server.close(() => resolve());
      for (const session of this.#sessions) session.destroy();
      for (const socket of this.#sockets) socket.destroy();
    });
    return this.#closed;
  }
}
