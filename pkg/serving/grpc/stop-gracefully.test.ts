import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { connect } from "node:http2";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import {
  Client,
  type ClientReadableStream,
  credentials,
  Server,
  ServerCredentials,
  type ServerWritableStream,
  type StatusObject,
  status,
} from "@grpc/grpc-js";
import { describe, expect, it } from "vitest";
import {
  HealthCheckResponse,
  HealthCheckResponse_ServingStatus as ServingStatus,
} from "../../gen/grpc/health/v1/health.ts";
import { manualClock } from "../../runtime/timing/index.ts";
import { healthService } from "../health/index.ts";
import { type CallTracker, callTracker, listenGrpc, stopGracefully } from "./index.ts";

const raw = (bytes: Buffer): Buffer => bytes;
const path = "/test.Streams/Open";
type Call = ServerWritableStream<Buffer, Buffer>;

/** A server whose streams are written and ended by the test. */
async function serve(calls: CallTracker = callTracker()) {
  const server = new Server({ interceptors: [calls.interceptor] });
  const opened: Call[] = [];
  const definition = {
    path,
    requestStream: false,
    responseStream: true,
    requestSerialize: raw,
    requestDeserialize: raw,
    responseSerialize: raw,
    responseDeserialize: raw,
  };
  const open = (call: Call): void => {
    opened.push(call);
    call.write(Buffer.from("first"));
  };
  server.addService({ open: definition }, { open });
  const health = healthService();
  health.addTo(server);
  const listener = await listenGrpc(server, {
    address: "127.0.0.1:0",
    credentials: ServerCredentials.createInsecure(),
    flag: "port",
  });
  const { port } = listener;
  const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure());
  return {
    server,
    listener,
    port,
    calls,
    health,
    opened,
    stream(at = path): ClientReadableStream<Buffer> {
      const stream = client.makeServerStreamRequest(at, raw, raw, Buffer.alloc(0));
      stream.on("error", () => undefined);
      return stream;
    },
    [Symbol.dispose]() {
      client.close();
      server.forceShutdown();
      void listener.close();
    },
  };
}

// Not events.once: it rejects at the error event, which comes first.
const ended = (stream: ClientReadableStream<Buffer>): Promise<StatusObject> =>
  new Promise((resolve) => stream.on("status", resolve));

describe("stopGracefully", () => {
  it("waits for calls under way, which lose nothing", async () => {
    using it = await serve();
    const stream = it.stream();
    const messages: string[] = [];
    stream.on("data", (bytes: Buffer) => messages.push(bytes.toString()));
    await once(stream, "data");
    const clock = manualClock();
    const stopping = stopGracefully(it.server, { listener: it.listener, drainMs: 1000, calls: it.calls, clock });
    expect(it.calls.active).toBe(1);
    it.opened[0]?.write(Buffer.from("second"));
    it.opened[0]?.end();
    expect((await ended(stream)).code).toBe(status.OK);
    expect(messages).toEqual(["first", "second"]);
    expect(await stopping).toBe("drained");
    expect([it.calls.active, clock.waiting]).toEqual([0, 0]);
  });

  it("says NOT_SERVING for good before anything else, to those who watch", async () => {
    using it = await serve();
    it.health.set("", "SERVING");
    const first = it.stream();
    await once(first, "data");
    const watch = it.stream("/grpc.health.v1.Health/Watch");
    const told: number[] = [];
    watch.on("data", (bytes: Buffer) => told.push(HealthCheckResponse.decode(bytes).status));
    await once(watch, "data");
    const stopping = stopGracefully(it.server, { drainMs: 60_000, calls: it.calls, health: it.health });
    it.health.set("", "SERVING");
    await ended(watch);
    expect(told).toEqual([ServingStatus.SERVING, ServingStatus.NOT_SERVING]);
    it.opened[0]?.end();
    first.resume();
    expect(await stopping).toBe("drained");
  });

  it("takes no new calls meanwhile", async () => {
    using it = await serve();
    const first = it.stream();
    await once(first, "data");
    const stopping = stopGracefully(it.server, { listener: it.listener, drainMs: 60_000, calls: it.calls });
    const late = await ended(it.stream());
    expect(late.code).toBe(status.UNAVAILABLE);
    it.opened[0]?.end();
    first.resume();
    expect(await stopping).toBe("drained");
  });

  it("ends what is left after the bound with UNAVAILABLE, and tells the handlers", async () => {
    using it = await serve();
    const streams = [it.stream(), it.stream()];
    await Promise.all(streams.map((stream) => once(stream, "data")));
    for (const stream of streams) stream.resume();
    const cancelled = Promise.all(it.opened.map((call) => once(call, "cancelled")));
    const ends = Promise.all(streams.map(ended));
    const clock = manualClock();
    const stopping = stopGracefully(it.server, { listener: it.listener, drainMs: 5000, calls: it.calls, clock });
    await clock.advance(4999);
    expect(it.calls.active).toBe(2);
    await clock.advance(1);
    expect(await ends).toMatchObject([
      { code: status.UNAVAILABLE, details: "the server is shutting down" },
      { code: status.UNAVAILABLE, details: "the server is shutting down" },
    ]);
    await cancelled;
    await clock.advance(1000);
    expect(await stopping).toBe("cut off");
  });

  it("cuts the connection of a client that reads nothing", async () => {
    using it = await serve();
    const session = connect(`http://127.0.0.1:${it.port}`);
    const closed = new Promise((resolve) => session.once("close", resolve));
    session.on("error", () => undefined);
    const request = session.request({
      ":method": "POST",
      ":path": path,
      "content-type": "application/grpc",
      te: "trailers",
    });
    request.on("error", () => undefined);
    request.pause();
    request.end(Buffer.alloc(5));
    await once(request, "response");
    while (it.opened[0]?.write(Buffer.alloc(1 << 20)));
    const clock = manualClock();
    const stopping = stopGracefully(it.server, { listener: it.listener, drainMs: 100, calls: it.calls, clock });
    await clock.advance(100);
    await clock.advance(1000);
    expect(await stopping).toBe("cut off");
    await closed;
  });

  it("is not held up by health watches", async () => {
    using it = await serve();
    const watch = it.stream("/grpc.health.v1.Health/Watch");
    await once(watch, "data");
    watch.resume();
    const end = ended(watch);
    expect(
      await stopGracefully(it.server, { listener: it.listener, drainMs: 60_000, health: it.health, calls: it.calls }),
    ).toBe("drained");
    expect((await end).code).toBe(status.UNAVAILABLE);
  });
});

describe("callTracker", () => {
  it("forgets calls however they end", async () => {
    using it = await serve();
    const [cancelled, failed, unknown] = [it.stream(), it.stream(), it.stream("/test.Streams/Nothing")];
    const refused = ended(unknown);
    await Promise.all([once(cancelled, "data"), once(failed, "data")]);
    expect(it.calls.active).toBe(2);
    cancelled.cancel();
    failed.resume();
    it.opened.at(-1)?.emit("error", { code: status.INTERNAL, details: "broken" });
    it.opened.at(0)?.emit("error", { code: status.INTERNAL, details: "broken" });
    expect((await refused).code).toBe(status.UNIMPLEMENTED);
    while (it.calls.active > 0) await new Promise((resolve) => setImmediate(resolve));
  });
});

describe("listenGrpc", () => {
  it("names flag and address when it can not listen", async () => {
    using it = await serve();
    const insecure = ServerCredentials.createInsecure();
    const other = new Server();
    const { port, close } = await listenGrpc(other, { address: "127.0.0.1:0", credentials: insecure, flag: "port" });
    const taken = listenGrpc(it.server, { address: `127.0.0.1:${port}`, credentials: insecure, flag: "port" });
    await expect(taken).rejects.toThrow(new RegExp(`^--port: can not listen on 127\\.0\\.0\\.1:${port}: .*EADDRINUSE`));
    await close();
  });

  it("listens on all interfaces", async () => {
    const server = new Server();
    const { port, close } = await listenGrpc(server, {
      address: ":0",
      credentials: ServerCredentials.createInsecure(),
      flag: "port",
    });
    const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure());
    await promisify(client.waitForReady.bind(client))(Date.now() + 10_000);
    client.close();
    server.forceShutdown();
    await close();
  });

  it("listens on a socket file", async () => {
    const folder = await mkdtemp(join(tmpdir(), "serving-"));
    const server = new Server();
    const at = {
      address: `unix://${join(folder, "s.sock")}`,
      credentials: ServerCredentials.createInsecure(),
      flag: "endpoint",
    };
    const { close } = await listenGrpc(server, at);
    const client = new Client(at.address, credentials.createInsecure());
    await promisify(client.waitForReady.bind(client))(Date.now() + 10_000);
    client.close();
    await expect(listenGrpc(new Server(), at)).rejects.toThrow("--endpoint: can not listen on unix://");
    server.forceShutdown();
    await close();
    await rm(folder, { recursive: true });
  });
});
