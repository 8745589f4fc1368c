import { type ClientHttp2Session, type ClientHttp2Stream, connect } from "node:http2";

/** A gRPC client of plain HTTP/2, which can leave out what a library would send. */
export interface H2Caller extends Disposable {
  readonly session: ClientHttp2Session;
  /** Sends the headers of a call, and nothing more. A method with a slash is one of another service. */
  open(method: string, headers?: Readonly<Record<string, string>>): ClientHttp2Stream;
  /** Sends a whole call, and settles with the trailers it ends with. */
  call(method: string, message: Uint8Array): Promise<Readonly<Record<string, unknown>>>;
}

export interface H2CallerOptions {
  readonly port: number;
  readonly caPem: string;
  /** Address of this machine to come from: 127.0.0.2 is another peer. */
  readonly localAddress?: string;
  /** Bytes of each stream that it takes unread; 0: none at all. */
  readonly windowSize?: number;
}

export function h2Caller({ port, caPem, localAddress, windowSize }: H2CallerOptions): H2Caller {
  const from = localAddress === undefined ? {} : { localAddress };
  const settings = windowSize === undefined ? {} : { settings: { initialWindowSize: windowSize } };
  const session = connect(`https://localhost:${port}`, { ca: caPem, family: 4, ...from, ...settings } as object);
  session.on("error", () => undefined);
  const open = (method: string, headers: Readonly<Record<string, string>> = {}): ClientHttp2Stream => {
    const stream = session.request({
      ...headers,
      ":method": "POST",
      ":path": method.includes("/") ? `/${method}` : `/snapshotmetadata.SnapshotMetadata/${method}`,
      "content-type": "application/grpc",
      te: "trailers",
    });
    stream.on("error", () => undefined);
    return stream;
  };
  return {
    session,
    open,
    call: async (method, message) => {
      const stream = open(method);
      stream.end(framed(message));
      return await statusOf(stream);
    },
    [Symbol.dispose]: () => session.destroy(),
  };
}

/** A message with gRPC's five bytes before it. */
export function framed(message: Uint8Array): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt32BE(message.byteLength, 1);
  return Buffer.concat([head, message]);
}

/** The headers or trailers that hold a call's status; empty when the stream ended without. */
export function statusOf(stream: ClientHttp2Stream): Promise<Readonly<Record<string, unknown>>> {
  return new Promise((resolve) => {
    const look = (headers: Readonly<Record<string, unknown>>): void => {
      if (headers["grpc-status"] !== undefined) resolve(headers);
    };
    stream
      .on("response", look)
      .on("trailers", look)
      .on("close", () => resolve({}))
      .resume();
  });
}
