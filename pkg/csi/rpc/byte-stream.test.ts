import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import {
  constants,
  createServer,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from "node:http2";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { status } from "@grpc/grpc-js";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type ByteStream, type ByteStreams, byteStreams } from "./byte-stream.ts";
import { type CallEnd, statusOfReset } from "./http2-status.ts";

type Answer = (stream: ServerHttp2Stream, headers: IncomingHttpHeaders, request: Buffer) => void;

/** A driver of plain HTTP/2, which can do what no gRPC library would. */
async function startDriver(socket: string, answer: Answer) {
  const sessions: ServerHttp2Session[] = [];
  const server = createServer();
  server.on("session", (session) => {
    sessions.push(session);
    session.on("error", () => undefined);
  });
  server.on("stream", async (stream, headers) => {
    stream.on("error", () => undefined);
    const pieces: Buffer[] = [];
    stream.on("data", (piece: Buffer) => pieces.push(piece));
    await once(stream, "end");
    answer(stream, headers, Buffer.concat(pieces));
  });
  server.listen(socket);
  await once(server, "listening");
  return {
    sessions,
    /** Breaks all connections, as a process that was killed. */
    kill: async () => {
      for (const session of sessions) session.destroy();
      if (server.listening) await new Promise((resolve) => server.close(resolve));
    },
  };
}

let folder: string;
let socket: string;
let driver: Awaited<ReturnType<typeof startDriver>>;
let streams: ByteStreams;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "byte-stream-"));
  socket = join(folder, "csi.sock");
  streams = byteStreams(socket);
});
afterEach(async () => {
  streams.close();
  await driver?.kill();
  await rm(folder, { recursive: true, force: true });
});

const path = "/csi.v1.SnapshotMetadata/GetMetadataAllocated";
const grpc = { ":status": 200, "content-type": "application/grpc" };

/** Answers with these bytes, then these trailers. */
const answering =
  (bytes: Buffer, trailers: Record<string, string>): Answer =>
  (stream) => {
    stream.respond(grpc, { waitForTrailers: true });
    stream.on("wantTrailers", () => stream.sendTrailers(trailers));
    stream.end(bytes);
  };

interface Read extends CallEnd {
  readonly bytes: Buffer;
}

async function read(stream: ByteStream): Promise<Read> {
  const pieces: Buffer[] = [];
  stream.onBytes((piece) => void pieces.push(Buffer.from(piece)));
  const end = await stream.ended;
  return { ...end, bytes: Buffer.concat(pieces) };
}

describe("a call", () => {
  it("carries path, deadline and framed request, and gives back what comes", async () => {
    let seen: { headers: IncomingHttpHeaders; request: Buffer } | undefined;
    const bytes = Buffer.alloc(300_000, "abc");
    driver = await startDriver(socket, (stream, headers, request) => {
      seen = { headers, request };
      answering(bytes, { "grpc-status": "0" })(stream, headers, request);
    });
    const request = Buffer.from("request");
    const result = await read(streams.open(path, request, { deadline: Date.now() + 7_000 }));
    expect(result.code).toBe(status.OK);
    expect(result.bytes.equals(bytes)).toBe(true);
    expect(seen?.request).toEqual(Buffer.from([0, 0, 0, 0, 7, ...request]));
    expect(seen?.headers).toMatchObject({
      ":method": "POST",
      ":path": path,
      te: "trailers",
      "content-type": "application/grpc",
    });
    const [, ms] = /^(\d+)m$/.exec(String(seen?.headers["grpc-timeout"])) ?? [];
    expect(Number(ms)).toBeGreaterThan(0);
    expect(Number(ms)).toBeLessThanOrEqual(7_000);
  });

  it.each([
    [-5_000, /^1m$/],
    [2 * 86_400_000, /^\d{6}S$/],
    [Number.MAX_SAFE_INTEGER, /^99999999S$/],
  ])("a deadline in %i ms has at most eight digits", async (inMs, header) => {
    let timeout: unknown;
    driver = await startDriver(socket, (stream, headers, request) => {
      timeout = headers["grpc-timeout"];
      answering(Buffer.alloc(0), { "grpc-status": "0" })(stream, headers, request);
    });
    await read(streams.open(path, Buffer.alloc(0), { deadline: Date.now() + inMs }));
    expect(timeout).toMatch(header);
  });

  it("has the status of the trailers, its message decoded", async () => {
    const trailers = { "grpc-status": "9", "grpc-message": "caf%C3%A9 100%25" };
    driver = await startDriver(socket, answering(Buffer.from("part"), trailers));
    const result = await read(streams.open(path, Buffer.alloc(0)));
    expect(result).toEqual({ code: 9, details: "café 100%", bytes: Buffer.from("part") });
  });

  it("that is paused gets its end after its last byte", async () => {
    driver = await startDriver(socket, answering(Buffer.alloc(100_000, 1), { "grpc-status": "0" }));
    const stream = streams.open(path, Buffer.alloc(0));
    let bytes = 0;
    let over = false;
    stream.onBytes((piece) => {
      if (bytes === 0) stream.pause();
      bytes += piece.length;
    });
    void stream.ended.then(() => {
      over = true;
    });
    while (bytes === 0) await new Promise((resolve) => setImmediate(resolve));
    // Another call on the same connection goes there and back: by then the rest of this one has come as well.
    await read(streams.open(path, Buffer.alloc(0)));
    expect([over, bytes < 100_000]).toEqual([false, true]);
    stream.resume();
    expect((await stream.ended).code).toBe(status.OK);
    expect(bytes).toBe(100_000);
  });

  it("that is cancelled is reset", async () => {
    const reset = Promise.withResolvers<number>();
    driver = await startDriver(socket, (stream) => {
      stream.on("close", () => reset.resolve(stream.rstCode));
      stream.respond(grpc);
      stream.write("part");
    });
    const stream = streams.open(path, Buffer.alloc(0));
    stream.onBytes(() => stream.cancel());
    expect((await stream.ended).code).toBe(status.CANCELLED);
    expect(await reset.promise).toBe(constants.NGHTTP2_CANCEL);
  });
});

it.each([
  ["cancelled", (stream: ByteStream) => stream.cancel(), status.CANCELLED],
  ["closed with its connection", () => streams.close(), status.UNAVAILABLE],
])("a paused stream that is %s ends, and not with the OK that came with bytes unread", async (_, end, code) => {
  driver = await startDriver(socket, answering(Buffer.alloc(100_000, 1), { "grpc-status": "0" }));
  const stream = streams.open(path, Buffer.alloc(0));
  const begun = Promise.withResolvers<void>();
  stream.onBytes(() => {
    stream.pause();
    begun.resolve();
  });
  await begun.promise;
  await read(streams.open(path, Buffer.alloc(0)));
  end(stream);
  expect((await stream.ended).code).toBe(code);
});

describe("an end without a proper status", () => {
  const headersOnly =
    (headers: Record<string, string | number>): Answer =>
    (stream) =>
      stream.respond(headers, { endStream: true });
  const reset =
    (code: number): Answer =>
    (stream) => {
      stream.respond(grpc);
      stream.write("part", () => stream.close(code));
    };
  const rows: readonly [what: string, answer: Answer, code: number, details: RegExp][] = [
    ["a status in the only header", headersOnly({ ...grpc, "grpc-status": 5, "grpc-message": "none" }), 5, /^none$/],
    [
      "a message that can not be decoded",
      headersOnly({ ...grpc, "grpc-status": 5, "grpc-message": "%zz" }),
      5,
      /^%zz$/,
    ],
    ["a status that is no number", headersOnly({ ...grpc, "grpc-status": "good" }), status.UNKNOWN, /^$/],
    ["no status at all", headersOnly(grpc), status.INTERNAL, /without a gRPC status/],
    ["bytes and no status", answering(Buffer.from("part"), {}), status.INTERNAL, /without a gRPC status/],
    [
      "another content type",
      headersOnly({ ":status": 200, "content-type": "text/html" }),
      status.UNKNOWN,
      /text\/html/,
    ],
    ["HTTP 400", headersOnly({ ":status": 400 }), status.INTERNAL, /HTTP status 400/],
    ["HTTP 401", headersOnly({ ":status": 401 }), status.UNAUTHENTICATED, /HTTP status 401/],
    ["HTTP 403", headersOnly({ ":status": 403 }), status.PERMISSION_DENIED, /HTTP status 403/],
    ["HTTP 404", headersOnly({ ":status": 404 }), status.UNIMPLEMENTED, /HTTP status 404/],
    ["HTTP 429", headersOnly({ ":status": 429 }), status.UNAVAILABLE, /HTTP status 429/],
    ["HTTP 503", headersOnly({ ":status": 503 }), status.UNAVAILABLE, /HTTP status 503/],
    ["HTTP 500", headersOnly({ ":status": 500 }), status.UNKNOWN, /HTTP status 500/],
    ["REFUSED_STREAM", reset(constants.NGHTTP2_REFUSED_STREAM), status.UNAVAILABLE, /error code 7/],
    ["CANCEL", reset(constants.NGHTTP2_CANCEL), status.CANCELLED, /error code 8/],
  ];
  it.each(rows)("%s", async (_, answer, code, details) => {
    driver = await startDriver(socket, answer);
    const result = await read(streams.open(path, Buffer.alloc(0)));
    expect(result).toMatchObject({ code, details: expect.stringMatching(details) });
  });

  // Node's server ends a stream before it resets it with these, so they can not be had over a socket.
  it.each([
    [constants.NGHTTP2_ENHANCE_YOUR_CALM, status.RESOURCE_EXHAUSTED],
    [constants.NGHTTP2_INADEQUATE_SECURITY, status.PERMISSION_DENIED],
    [constants.NGHTTP2_INTERNAL_ERROR, status.INTERNAL],
    [constants.NGHTTP2_PROTOCOL_ERROR, status.INTERNAL],
  ])("HTTP/2 error code %i", (rstCode, code) => {
    expect(statusOfReset(rstCode)).toEqual({ code, details: expect.stringContaining(`error code ${rstCode},`) });
  });

  it("a status in a header that more follows is none", async () => {
    driver = await startDriver(socket, (stream) => {
      stream.respond({ ...grpc, "grpc-status": "0" });
      stream.end("part");
    });
    expect((await read(streams.open(path, Buffer.alloc(0)))).code).toBe(status.INTERNAL);
  });
});

describe("a connection", () => {
  const empty = answering(Buffer.alloc(0), { "grpc-status": "0" });

  it("serves many calls, and is made only when it is needed", async () => {
    driver = await startDriver(socket, empty);
    expect(driver.sessions.length).toBe(0);
    const results = await Promise.all(Array.from({ length: 150 }, () => read(streams.open(path, Buffer.alloc(0)))));
    expect(new Set(results.map(({ code }) => code))).toEqual(new Set([status.OK]));
    expect(driver.sessions.length).toBe(1);
  });

  it("that breaks ends its streams with UNAVAILABLE; the next call makes another", async () => {
    driver = await startDriver(socket, (stream) => {
      stream.respond(grpc);
      stream.write("part");
    });
    const running = streams.open(path, Buffer.alloc(0));
    const begun = Promise.withResolvers<void>();
    running.onBytes(() => begun.resolve());
    await begun.promise;
    await driver.kill();
    expect((await running.ended).code).toBe(status.UNAVAILABLE);
    const refused = await read(streams.open(path, Buffer.alloc(0)));
    expect(refused).toMatchObject({ code: status.UNAVAILABLE, details: expect.stringContaining("csi.sock") });
    driver = await startDriver(socket, empty);
    expect((await read(streams.open(path, Buffer.alloc(0)))).code).toBe(status.OK);
  });

  it("that breaks after the status, before a paused stream has read its bytes, is a good end only with all of them", async () => {
    driver = await startDriver(socket, answering(Buffer.alloc(100_000, 1), { "grpc-status": "0" }));
    const stream = streams.open(path, Buffer.alloc(0));
    const begun = Promise.withResolvers<void>();
    let bytes = 0;
    stream.onBytes((piece) => {
      if (bytes === 0) stream.pause();
      bytes += piece.length;
      begun.resolve();
    });
    await begun.promise;
    await read(streams.open(path, Buffer.alloc(0)));
    await driver.kill();
    stream.resume();
    const { code } = await stream.ended;
    expect([status.OK, status.UNAVAILABLE]).toContain(code);
    expect(code === status.OK).toBe(bytes === 100_000);
  });

  it("that the driver is leaving finishes its streams, and takes no further one", async () => {
    const open: ServerHttp2Stream[] = [];
    driver = await startDriver(socket, (stream, headers, request) => {
      open.push(stream);
      if (open.length > 1) return empty(stream, headers, request);
      stream.respond(grpc, { waitForTrailers: true });
      stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
      stream.write("part");
    });
    const first = streams.open(path, Buffer.alloc(0));
    const begun = Promise.withResolvers<void>();
    first.onBytes(() => begun.resolve());
    await begun.promise;
    driver.sessions[0]?.goaway(constants.NGHTTP2_NO_ERROR);
    // The next call may be on its way when the word comes; the one after it is not.
    const next = await read(streams.open(path, Buffer.alloc(0)));
    expect([status.OK, status.UNAVAILABLE]).toContain(next.code);
    expect((await read(streams.open(path, Buffer.alloc(0)))).code).toBe(status.OK);
    expect(driver.sessions.length).toBe(2);
    open[0]?.end();
    expect((await first.ended).code).toBe(status.OK);
  });
});
