import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  constants,
  type IncomingHttpHeaders,
} from "node:http2";
import { connect as connectSocket } from "node:net";
import { status } from "@grpc/grpc-js";
import { type CallEnd, statusOfHttp, statusOfReset } from "./http2-status.ts";

/** The answer of a server-streaming call, as the bytes that lie in its HTTP/2 frames. */
export interface ByteStream {
  /**
   * Tells each piece of the answer, in order: gRPC's length-prefixed messages, cut anywhere. One listener, set before the
   * event loop turns. A piece is valid until the listener returns.
   */
  onBytes(listener: (piece: Buffer) => void): void;
  /** What is under way goes on arriving in memory, up to a window. */
  pause(): void;
  resume(): void;
  /** Resets the stream with CANCEL. */
  cancel(): void;
  /** Settles with the driver's status after the last piece. Never rejects; OK only if the driver said so. */
  readonly ended: Promise<CallEnd>;
}

export interface ByteStreamOptions {
  /** Absolute, milliseconds since the epoch; the driver is told what remains of it. */
  readonly deadline?: number;
}

/** Opens byte streams over one HTTP/2 session, which is made when it is first needed and made again when it is lost. */
export interface ByteStreams {
  open(path: string, request: Uint8Array, options?: ByteStreamOptions): ByteStream;
  close(): void;
}

/**
 * Bytes that a driver may send ahead of a paused stream, which is what such a stream costs here; and of all streams
 * together, which is no more than what is on its way.
 */
const streamWindow = 128 * 1024;
const sessionWindow = 4 * 1024 * 1024;

interface Session {
  readonly http2: ClientHttp2Session;
  /** The socket is gone: what ends now ends because of it. */
  lost: boolean;
}

/** Streams from the driver at the socket. */
export function byteStreams(socketPath: string): ByteStreams {
  let current: Session | undefined;
  const usable = (): Session => {
    if (current === undefined || current.lost || current.http2.closed || current.http2.destroyed) {
      current = openSession(socketPath);
    }
    return current;
  };
  return {
    open: (path, request, { deadline } = {}) => {
      const session = usable();
      const stream = session.http2.request({
        ":method": "POST",
        ":path": path,
        te: "trailers",
        "content-type": "application/grpc",
        "user-agent": "csi-data-protection",
        ...(deadline === undefined ? {} : { "grpc-timeout": timeoutHeader(deadline - Date.now()) }),
      });
      stream.end(framed(request));
      return streamOf(session, stream);
    },
    close: () => current?.http2.destroy(),
  };
}

function openSession(socketPath: string): Session {
  const socket = connectSocket(socketPath);
  const http2 = connect("http://localhost", {
    createConnection: () => socket,
    settings: { enablePush: false, initialWindowSize: streamWindow },
    // The windows bound what is held; a bound in all would refuse streams instead.
    maxSessionMemory: Number.MAX_SAFE_INTEGER,
  });
  const session: Session = { http2, lost: false };
  // Before HTTP/2's own listener, which ends the streams with CANCEL, as if they had been cancelled.
  socket.prependOnceListener("close", () => {
    session.lost = true;
  });
  http2.once("connect", () => http2.setLocalWindowSize(sessionWindow));
  // Each stream tells it as its own end.
  http2.on("error", () => {
    session.lost = true;
  });
  return session;
}

function streamOf(session: Session, stream: ClientHttp2Stream): ByteStream {
  const seen: Seen = {
    httpStatus: 0,
    contentType: undefined,
    told: undefined,
    failure: undefined,
    read: false,
    cancelled: false,
  };
  stream.on("response", (headers, flags) => {
    seen.httpStatus = Number(headers[":status"]);
    seen.contentType = headers["content-type"];
    // An answer that is all header; a status in a header that more follows is none.
    if (flags & constants.NGHTTP2_FLAG_END_STREAM) seen.told = statusIn(headers);
  });
  stream.on("trailers", (headers) => {
    seen.told = statusIn(headers);
  });
  stream.on("error", (error) => {
    seen.failure = error;
  });
  stream.on("end", () => {
    seen.read = true;
  });
  return {
    onBytes: (listener) => void stream.on("data", listener),
    pause: () => void stream.pause(),
    resume: () => void stream.resume(),
    cancel: () => {
      seen.cancelled = true;
      stream.close(constants.NGHTTP2_CANCEL);
      // A paused stream would hold what it has not told for as long as the connection lives.
      stream.removeAllListeners("data");
      stream.resume();
    },
    ended: new Promise((resolve) => stream.once("close", () => resolve(endOf(session, stream.rstCode ?? 0, seen)))),
  };
}

/** What came of a stream until it closed. */
interface Seen {
  httpStatus: number;
  contentType: string | undefined;
  told: CallEnd | undefined;
  failure: Error | undefined;
  /** Everything before the status was handed over. */
  read: boolean;
  cancelled: boolean;
}

function endOf(session: Session, rstCode: number, seen: Seen): CallEnd {
  const { httpStatus, contentType, told, failure, read } = seen;
  if (seen.cancelled) return { code: status.CANCELLED, details: "the call was cancelled" };
  // A stream that breaks between its status and its last bytes has lost them.
  if (told !== undefined && (read || told.code !== status.OK)) return told;
  if (session.lost || session.http2.destroyed) {
    const details = `the connection to the driver was lost${failure === undefined ? "" : `: ${failure.message}`}`;
    return { code: status.UNAVAILABLE, details };
  }
  return rstCode === constants.NGHTTP2_NO_ERROR ? statusOfHttp(httpStatus, contentType) : statusOfReset(rstCode);
}

function statusIn(headers: IncomingHttpHeaders): CallEnd | undefined {
  const code = headers["grpc-status"];
  if (code === undefined) return undefined;
  const valid = typeof code === "string" && /^\d{1,9}$/.test(code);
  return { code: valid ? Number(code) : status.UNKNOWN, details: percentDecoded(headers["grpc-message"]) };
}

/** What can not be decoded is better than nothing. */
function percentDecoded(message: string | string[] | undefined): string {
  const text = String(message ?? "");
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** At most eight digits, in the finest unit that has room. */
function timeoutHeader(remainingMs: number): string {
  const ms = Math.max(1, Math.ceil(remainingMs));
  return ms < 1e8 ? `${ms}m` : `${Math.min(99_999_999, Math.ceil(ms / 1000))}S`;
}

function framed(message: Uint8Array): Buffer {
  const frame = Buffer.allocUnsafe(5 + message.byteLength);
  frame.writeUInt8(0, 0);
  frame.writeUInt32BE(message.byteLength, 1);
  frame.set(message, 5);
  return frame;
}
