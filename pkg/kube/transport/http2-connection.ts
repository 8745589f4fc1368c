import { type ClientHttp2Session, type ClientHttp2Stream, connect, constants } from "node:http2";
import type { Socket } from "node:net";
import { ConnectionLost, type Incoming, type Outgoing } from "./exchange.ts";

export interface PingRules {
  /** Silence after which the connection is pinged, milliseconds. */
  readonly idleMs: number;
  /** How long the answer may take, milliseconds. */
  readonly timeoutMs: number;
}

/** A watch nobody reads for a while must not take the window from the requests beside it. */
const sessionWindow = 256 * 1024 * 1024;
const streamWindow = 1024 * 1024;

/** One HTTP/2 connection with many requests on it. */
export class Http2Connection {
  readonly #server: URL;
  readonly #session: ClientHttp2Session;
  readonly #socket: Socket;
  readonly #ping: PingRules;
  readonly #idleTimer: NodeJS.Timeout;
  #streams = 0;
  #received = 0;
  #lastSeen = performance.now();
  #failure: unknown;

  private constructor(server: URL, session: ClientHttp2Session, socket: Socket, ping: PingRules) {
    this.#server = server;
    this.#session = session;
    this.#socket = socket;
    this.#ping = ping;
    session.setLocalWindowSize(sessionWindow);
    session.on("error", (error) => {
      this.#failure ??= error;
    });
    this.#idleTimer = setInterval(() => this.#pingIfIdle(), Math.max(1, ping.idleMs / 2)).unref();
    session.once("close", () => clearInterval(this.#idleTimer));
    session.unref();
  }

  /** Speaks HTTP/2 on an open socket; settles when the server has told its settings. */
  static open(server: URL, socket: Socket, ping: PingRules, signal: AbortSignal): Promise<Http2Connection> {
    const session = connect(server, {
      createConnection: () => socket,
      settings: { initialWindowSize: streamWindow, enablePush: false },
    });
    return new Promise((resolve, reject) => {
      const fail = (why: unknown): void => {
        signal.removeEventListener("abort", onAbort);
        session.on("error", () => undefined);
        session.destroy();
        reject(why);
      };
      const onAbort = (): void => fail(signal.reason);
      const onClose = (): void => fail(new Error("connection closed before it could be used"));
      signal.addEventListener("abort", onAbort, { once: true });
      session.once("error", fail).once("close", onClose);
      session.once("remoteSettings", () => {
        signal.removeEventListener("abort", onAbort);
        session.off("error", fail).off("close", onClose);
        resolve(new Http2Connection(server, session, socket, ping));
      });
    });
  }

  /** May take another request. */
  get usable(): boolean {
    return !this.#session.closed && !this.#session.destroyed;
  }

  /** Has a free stream by the server's own limit. */
  get hasRoom(): boolean {
    return this.usable && this.#streams < (this.#session.remoteSettings.maxConcurrentStreams ?? 100);
  }

  close(now: boolean): void {
    if (now) this.#session.destroy();
    else this.#session.close();
  }

  exchange({ method, path, headers, body, signal }: Outgoing): Promise<Incoming> {
    signal.throwIfAborted();
    let stream: ClientHttp2Stream;
    try {
      const pseudo = { ":method": method, ":path": path, ":scheme": "https", ":authority": this.#server.host };
      stream = this.#session.request({ ...pseudo, ...headers }, { endStream: body === undefined });
    } catch (thrown) {
      throw new ConnectionLost(this.#server, false, this.#failure ?? thrown);
    }
    this.#track(stream, signal);
    if (body !== undefined) stream.end(body);
    return new Promise((resolve, reject) => {
      let answered = false;
      const lost = (cause: unknown): void => {
        if (answered) return;
        answered = true;
        const sent = stream.rstCode !== constants.NGHTTP2_REFUSED_STREAM && !stream.pending;
        reject(signal.aborted ? signal.reason : new ConnectionLost(this.#server, sent, this.#failure ?? cause));
      };
      stream.on("error", lost);
      stream.once("close", () => lost(undefined));
      stream.once("response", (head) => {
        answered = true;
        resolve({ status: head[":status"] ?? 0, headers: flat(head), body: stream, cut: () => this.#cut(stream) });
      });
    });
  }

  /** Keeps count of streams, ends one when its signal aborts, and keeps the process alive while one is open. */
  #track(stream: ClientHttp2Stream, signal: AbortSignal): void {
    if (this.#streams++ === 0) this.#session.ref();
    const onAbort = (): void => {
      stream.close(constants.NGHTTP2_CANCEL);
      stream.destroy();
    };
    signal.addEventListener("abort", onAbort, { once: true });
    stream.once("close", () => {
      signal.removeEventListener("abort", onAbort);
      if (--this.#streams === 0 && !this.#session.destroyed) this.#session.unref();
    });
  }

  /** A reset stream ends like a whole one. */
  #cut(stream: ClientHttp2Stream): unknown {
    if (!stream.aborted && (stream.rstCode ?? 0) === constants.NGHTTP2_NO_ERROR) return undefined;
    return this.#failure ?? new Error("connection closed in the middle of the answer");
  }

  /** Notes whether bytes came since the last look; what kind does not matter. */
  #look(): boolean {
    const received = this.#socket.bytesRead;
    if (received === this.#received) return false;
    this.#received = received;
    this.#lastSeen = performance.now();
    return true;
  }

  #pingIfIdle(): void {
    if (this.#look() || this.#streams === 0 || !this.usable) return;
    if (performance.now() - this.#lastSeen < this.#ping.idleMs) return;
    const late = setTimeout(() => {
      if (this.#look()) return;
      this.#failure = new Error(`no answer to a ping within ${this.#ping.timeoutMs} ms`);
      this.#session.destroy(this.#failure as Error);
    }, this.#ping.timeoutMs).unref();
    if (!this.#session.ping(() => clearTimeout(late))) clearTimeout(late);
  }
}

function flat(head: Record<string, unknown>): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(head)) {
    if (!name.startsWith(":") && value !== undefined)
      headers[name] = Array.isArray(value) ? value.join(", ") : `${value}`;
  }
  return headers;
}
