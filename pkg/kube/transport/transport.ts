import type { Socket } from "node:net";
import { TLSSocket } from "node:tls";
import { Failure } from "../../runtime/errors/index.ts";
import { abortable, deadlineSignal } from "../../runtime/timing/index.ts";
import type { Credentials, KubeConfig } from "../config/index.ts";
import { type DialTarget, dial } from "./dial.ts";
import { ConnectionLost, type Incoming, type Outgoing, type Pool } from "./exchange.ts";
import { Http1Pool } from "./http1-pool.ts";
import { Http2Connection, type PingRules } from "./http2-connection.ts";
import { Http2Pool } from "./http2-pool.ts";

export interface TransportOptions {
  readonly config: Pick<KubeConfig, "server" | "proxyUrl">;
  readonly ping: PingRules;
  /** Milliseconds for opening a connection. */
  readonly connectTimeoutMs: number;
}

/** Requests without their credentials' headers. */
export interface Transport {
  exchange(credentials: Credentials, request: Outgoing): Promise<Incoming>;
  close(): void;
}

interface Slot {
  readonly fingerprint: string;
  readonly pool: Promise<Pool>;
}

/** Keeps connections for the present TLS material; when that rotates, old ones finish what they carry. */
export function createTransport(options: TransportOptions): Transport {
  let slot: Slot | undefined;
  const retired = new Set<Pool>();
  const closing = new AbortController();

  const retire = (old: Slot | undefined): void => {
    old?.pool.then(
      (pool) => {
        retired.add(pool);
        pool.close(closing.signal.aborted);
      },
      () => undefined,
    );
  };

  const poolFor = ({ fingerprint, tls }: Credentials): Promise<Pool> => {
    if (slot?.fingerprint === fingerprint) return slot.pool;
    retire(slot);
    const pool = openPool(options, { ...options.config, tls }, closing.signal);
    const mine: Slot = { fingerprint, pool };
    slot = mine;
    pool.catch(() => {
      if (slot === mine) slot = undefined;
    });
    return pool;
  };

  return {
    async exchange(credentials, request) {
      closing.signal.throwIfAborted();
      const pool = await abortable(poolFor(credentials), request.signal);
      return pool.exchange(request);
    },
    close() {
      closing.abort(new Failure("transient", "ClientClosed", "the client is closed"));
      for (const pool of retired) pool.close(true);
      retire(slot);
      slot = undefined;
    },
  };
}

async function openPool(options: TransportOptions, target: DialTarget, closing: AbortSignal): Promise<Pool> {
  const { server } = target;
  /** The server's choice is made once; asking for the other protocol later would only confuse a gateway. */
  const connect = async <T>(alpn: string[], use: (socket: Socket, signal: AbortSignal) => Promise<T>): Promise<T> => {
    using scope = deadlineSignal(options.connectTimeoutMs, closing);
    try {
      return await use(await dial(target, alpn, scope.signal), scope.signal);
    } catch (thrown) {
      throw thrown instanceof Failure ? thrown : new ConnectionLost(server, false, thrown);
    }
  };
  const speak = (socket: Socket, signal: AbortSignal): Promise<Http2Connection> =>
    Http2Connection.open(server, socket, options.ping, signal);

  return connect(["h2", "http/1.1"], async (socket, signal) => {
    if (socket instanceof TLSSocket && socket.alpnProtocol === "h2") {
      return new Http2Pool({ server, open: () => connect(["h2"], speak) }, await speak(socket, signal));
    }
    return new Http1Pool({ server, open: () => connect(["http/1.1"], async (next) => next) }, socket);
  });
}
