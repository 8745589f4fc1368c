import { abortable } from "../../runtime/timing/index.ts";
import { ConnectionLost, type Incoming, type Outgoing, type Pool } from "./exchange.ts";
import type { Http2Connection } from "./http2-connection.ts";

export interface Http2PoolDeps {
  readonly server: URL;
  /** Opens one more connection. */
  open(): Promise<Http2Connection>;
}

/** HTTP/2 connections: one, and another only when the server allows no more streams on those there are. */
export class Http2Pool implements Pool {
  readonly protocol = "h2";
  readonly #deps: Http2PoolDeps;
  #connections: Http2Connection[];
  #opening: Promise<Http2Connection> | undefined;

  constructor(deps: Http2PoolDeps, first: Http2Connection) {
    this.#deps = deps;
    this.#connections = [first];
  }

  async exchange(request: Outgoing): Promise<Incoming> {
    for (;;) {
      // Found and taken in one step: nobody else may count on the same free stream.
      const free = this.#connections.find((each) => each.hasRoom);
      if (free) return free.exchange(request);
      this.#connections = this.#connections.filter((each) => each.usable);
      await this.#another(request.signal);
    }
  }

  close(now: boolean): void {
    for (const connection of this.#connections) connection.close(now);
    this.#opening?.then(
      (connection) => connection.close(now),
      () => undefined,
    );
  }

  /** Callers share one attempt; after it each looks again, since others may have filled the new connection. */
  async #another(signal: AbortSignal): Promise<void> {
    this.#opening ??= this.#deps
      .open()
      .then((connection) => {
        this.#connections.push(connection);
        return connection;
      })
      .finally(() => {
        this.#opening = undefined;
      });
    try {
      await abortable(this.#opening, signal);
    } catch (thrown) {
      if (signal.aborted) throw signal.reason;
      throw thrown instanceof ConnectionLost ? thrown : new ConnectionLost(this.#deps.server, false, thrown);
    }
  }
}
