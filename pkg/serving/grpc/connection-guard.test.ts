import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { setImmediate as turn } from "node:timers/promises";
import { connect as connectTls } from "node:tls";
import { Client, credentials, Server } from "@grpc/grpc-js";
import { expect, it } from "vitest";
import { makeServerCertificate } from "../../runtime/certificates/index.ts";
import { manualClock } from "../../runtime/timing/index.ts";
import { healthService } from "../health/index.ts";
import { ReloadingCredentials } from "../tls/reloading-credentials.ts";
import { connectionGuard, listenGrpc, peerAddress, stopGracefully } from "./index.ts";

/** A server over TLS whose only service is health, with a guard. */
async function serve(maxPerPeer: number) {
  const certificate = await makeServerCertificate(["localhost"]);
  const clock = manualClock();
  const refused: string[] = [];
  const guard = connectionGuard({ maxPerPeer, firstCallMs: 5_000, clock, refused: (why) => refused.push(why) });
  const server = new Server({
    interceptors: [
      (_method, call) => {
        guard.called(call.getPeer());
        return call as never;
      },
    ],
  });
  const health = healthService();
  health.addTo(server);
  const identity = new ReloadingCredentials({ cert: certificate.certPem, key: certificate.keyPem });
  const listener = await listenGrpc(server, { address: ":0", credentials: identity, flag: "port", guard });
  const { port } = listener;
  const dialled: Socket[] = [];
  const dial = (localAddress = "127.0.0.1"): Socket => {
    const socket = connect({ port, host: "127.0.0.1", localAddress });
    socket.on("error", () => undefined);
    dialled.push(socket);
    return socket;
  };
  const until = async (connections: number): Promise<void> => {
    while (guard.connections !== connections) await turn();
  };
  return {
    clock,
    refused,
    guard,
    port,
    dial,
    until,
    caPem: certificate.caPem,
    stop: () => stopGracefully(server, { drainMs: 60_000, health, listener, clock }),
    async [Symbol.asyncDispose]() {
      for (const socket of dialled) socket.destroy();
      await stopGracefully(server, { drainMs: 60_000, health, listener, clock });
    },
  };
}

// Not events.once: it rejects at the error event, which may come first.
const closed = (socket: Socket): Promise<unknown> => new Promise((resolve) => socket.once("close", resolve));

/** One call over a connection of its own: the code it ends with. */
async function call(port: number, caPem: string): Promise<number> {
  const client = new Client(`localhost:${port}`, credentials.createSsl(Buffer.from(caPem)), {
    "grpc.use_local_subchannel_pool": 1,
  });
  const asIs = (bytes: Buffer): Buffer => bytes;
  const code = await new Promise<number>((resolve) =>
    client.makeUnaryRequest("/grpc.health.v1.Health/Check", asIs, asIs, Buffer.alloc(0), (error) =>
      resolve(error?.code ?? 0),
    ),
  );
  client.close();
  return code;
}

it("takes so many connections of one address, and as many again of another", async () => {
  await using it = await serve(2);
  for (const address of ["127.0.0.1", "127.0.0.1", "127.0.0.2", "127.0.0.2"]) it.dial(address);
  await it.until(4);
  for (const address of ["127.0.0.1", "127.0.0.2"]) await closed(it.dial(address));
  expect(it.refused).toEqual(["tooMany", "tooMany"]);
});

it("a connection that closes makes room for another, which is served", async () => {
  await using it = await serve(1);
  const first = it.dial();
  await it.until(1);
  first.destroy();
  await it.until(0);
  expect(await call(it.port, it.caPem)).toBe(0);
  await it.until(0);
  expect(await call(it.port, it.caPem)).toBe(0);
});

it("0 is no limit", async () => {
  await using it = await serve(0);
  for (let n = 0; n < 50; n += 1) it.dial();
  await it.until(50);
  expect(it.refused).toEqual([]);
});

it("closes what never finishes its handshake, and what never calls, but not what has called once", async () => {
  await using it = await serve(0);
  const bare = it.dial();
  const shaken = connectTls({ port: it.port, host: "localhost", ca: it.caPem, ALPNProtocols: ["h2"] });
  shaken.on("error", () => undefined).resume();
  await once(shaken, "secureConnect");
  const client = new Client(`localhost:${it.port}`, credentials.createSsl(Buffer.from(it.caPem)));
  const asIs = (bytes: Buffer): Buffer => bytes;
  const watch = client.makeServerStreamRequest("/grpc.health.v1.Health/Watch", asIs, asIs, Buffer.alloc(0));
  watch.on("error", () => undefined);
  await once(watch, "data");
  await it.until(3);
  const bothClosed = Promise.all([closed(bare), closed(shaken)]);
  await it.clock.advance(4_999);
  expect(it.guard.connections).toBe(3);
  await it.clock.advance(1);
  await bothClosed;
  await it.until(1);
  expect(it.refused).toEqual(["silent", "silent"]);
  await it.clock.advance(60_000);
  expect(it.guard.connections).toBe(1);
  expect(it.clock.waiting).toBe(0);
  watch.cancel();
  client.close();
});

it("the end of the server waits for no connection that never became one", async () => {
  await using it = await serve(0);
  it.dial();
  await it.until(1);
  // No time passes here: whoever is waited for is waited for in vain.
  expect(await it.stop()).toBe("drained");
  expect(it.guard.connections).toBe(0);
});

it.each([
  ["::ffff:10.1.2.3", "10.1.2.3"],
  ["10.1.2.3", "10.1.2.3"],
  ["fd00::1", "fd00::1"],
  [undefined, ""],
])("an address has one name: %s", (address, name) => {
  expect(peerAddress(address)).toBe(name);
});
