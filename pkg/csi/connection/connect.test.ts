import { Metadata, type ServerUnaryCall, type ServerWritableStream, type sendUnaryData, status } from "@grpc/grpc-js";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  ControllerService,
  CreateVolumeRequest,
  CreateVolumeResponse,
  GetMetadataAllocatedRequest,
  GetMetadataAllocatedResponse,
  SnapshotMetadataService,
} from "../../gen/csi/v1/csi.ts";
import { silentLogger } from "../../runtime/log/index.ts";
import { createRegistry } from "../../runtime/metrics/index.ts";
import { manualClock } from "../../runtime/timing/index.ts";
import { type StubDriver, stubDriver } from "../testing/stub-driver.ts";
import { connectDriver } from "./connect.ts";
import type { DriverConnection, DriverState } from "./driver-connection.ts";

type Unary = (call: ServerUnaryCall<unknown, unknown>, callback: sendUnaryData<unknown>) => void;

const answer =
  (value: unknown): Unary =>
  (_call, callback) =>
    callback(null, value);
const refuse =
  (code: status, details: string, metadata = new Metadata()): Unary =>
  (_call, callback) =>
    callback({ code, details, metadata });

/** What the driver answers to CreateVolume. */
const volume = (more: { volumeId: string; capacityBytes?: bigint; volumeContext?: Record<string, string> }): Unary =>
  answer(CreateVolumeResponse.fromPartial({ volume: more }));

const createRequest = CreateVolumeRequest.fromPartial({ name: "a", secrets: { key: "s3cr3t-canary" } });
const allocated = SnapshotMetadataService.getMetadataAllocated.path;

let driver: StubDriver;
let connection: DriverConnection;

const connect = (more: Partial<Parameters<typeof connectDriver>[0]> = {}): DriverConnection => {
  connection = connectDriver({ address: driver.address, log: silentLogger(), ...more });
  return connection;
};

const reached = (wanted: DriverState): Promise<void> =>
  new Promise((resolve) => {
    const stop = connection.onState((state) => {
      if (state !== wanted) return;
      queueMicrotask(() => stop());
      resolve();
    });
  });

beforeEach(async () => {
  driver = await stubDriver();
});

afterEach(async () => {
  await connection?.close();
  await driver[Symbol.asyncDispose]();
});

describe("unary calls", () => {
  it("answer with the decoded message", async () => {
    await driver.start({ createVolume: volume({ volumeId: "v", capacityBytes: 2n ** 60n }) });
    const { volume: made } = await connect().call(ControllerService.createVolume, createRequest);
    expect(made).toMatchObject({ volumeId: "v", capacityBytes: 2n ** 60n });
  });

  it("fail with the driver's code and words, without secrets and metadata", async () => {
    const metadata = new Metadata();
    metadata.set("x-internal", "node-7");
    await driver.start({ createVolume: refuse(status.UNAUTHENTICATED, "bad key s3cr3t-canary", metadata) });
    const failure = await connect()
      .call(ControllerService.createVolume, createRequest)
      .catch((thrown: unknown) => thrown);
    expect(failure).toMatchObject({
      code: status.UNAUTHENTICATED,
      kind: "terminal",
      details: "bad key [secret removed]",
    });
    const everything = [String(failure), (failure as Error).stack, JSON.stringify(failure)].join();
    expect(everything).not.toMatch(/s3cr3t-canary|node-7/);
  });

  it("end at their deadline, and the driver is told", async () => {
    const cancelled = Promise.withResolvers<void>();
    await driver.start({
      createVolume: (call: ServerUnaryCall<unknown, unknown>) => call.on("cancelled", cancelled.resolve),
    });
    const call = connect().call(ControllerService.createVolume, createRequest, { timeoutMs: 200, waitForReady: true });
    await expect(call).rejects.toMatchObject({ code: status.DEADLINE_EXCEEDED, final: false });
    await cancelled.promise;
  });

  it("take the connection's deadline when they have none", async () => {
    await driver.start({ createVolume: () => undefined });
    const call = connect({ timeoutMs: 150 }).call(ControllerService.createVolume, createRequest, {
      waitForReady: true,
    });
    await expect(call).rejects.toMatchObject({ code: status.DEADLINE_EXCEEDED });
  });

  it("are cancelled in the driver by their signal", async () => {
    const began = Promise.withResolvers<void>();
    const cancelled = Promise.withResolvers<void>();
    await driver.start({
      createVolume: (call: ServerUnaryCall<unknown, unknown>) => {
        call.on("cancelled", cancelled.resolve);
        began.resolve();
      },
    });
    const stop = new AbortController();
    const call = connect().call(ControllerService.createVolume, createRequest, { signal: stop.signal });
    void began.promise.then(() => stop.abort());
    await expect(call).rejects.toMatchObject({ code: status.CANCELLED, final: false });
    await cancelled.promise;
    await expect(
      connection.call(ControllerService.createVolume, createRequest, { signal: stop.signal }),
    ).rejects.toMatchObject({ code: status.CANCELLED });
  });

  it("take messages far above gRPC's usual 4 MiB, up to the limit", async () => {
    await driver.start({ createVolume: volume({ volumeId: "v", volumeContext: { large: "x".repeat(20 << 20) } }) });
    const { volume: made } = await connect().call(ControllerService.createVolume, createRequest);
    expect(made?.volumeContext["large"]).toHaveLength(20 << 20);
    await connection.close();
    const limited = connect({ maxReceiveBytes: 1 << 20 }).call(ControllerService.createVolume, createRequest);
    await expect(limited).rejects.toMatchObject({ code: status.RESOURCE_EXHAUSTED });
  });

  it("are measured as csi-lib-utils measures them", async () => {
    await driver.start({
      createVolume: refuse(status.NOT_FOUND, "x"),
      getPluginInfo: answer({ name: "a.driver", vendorVersion: "1", manifest: {} }),
    });
    const metrics = createRegistry();
    connect({ metrics, migratedLabel: true });
    await connection.pluginInfo();
    await connection.call(ControllerService.createVolume, createRequest, { migrated: true }).catch(() => undefined);
    const page = await metrics.metrics();
    expect(page).toContain(
      'csi_sidecar_operations_seconds_count{driver_name="unknown-driver",method_name="/csi.v1.Identity/GetPluginInfo",' +
        'grpc_status_code="OK",migrated="false"} 1',
    );
    expect(page).toContain(
      'csi_sidecar_operations_seconds_count{driver_name="a.driver",method_name="/csi.v1.Controller/CreateVolume",' +
        'grpc_status_code="NotFound",migrated="true"} 1',
    );
    const bounds = [...page.matchAll(/le="([^"]+)",driver_name="a\.driver"/g)].map((each) => each[1]);
    expect(bounds).toEqual("0.1 0.25 0.5 1 2.5 5 10 15 25 50 120 300 600 +Inf".split(" "));
  });

  it("fail at once, and clearly, after close", async () => {
    await driver.start({});
    await connect().close();
    await expect(connection.call(ControllerService.createVolume, createRequest)).rejects.toThrow("was closed");
    expect(() => connection.openStream(allocated, Buffer.alloc(0))).toThrow("was closed");
    expect(connection.state).toBe("closed");
  });
});

describe("raw streams", () => {
  const messages = [1n, 2n, 3n].map((offset) =>
    GetMetadataAllocatedResponse.fromPartial({
      ...{ blockMetadataType: 1, volumeCapacityBytes: 1n << 40n },
      blockMetadata: [{ byteOffset: offset << 12n, sizeBytes: 4096n }],
    }),
  );
  const request = Buffer.from(
    GetMetadataAllocatedRequest.encode(
      GetMetadataAllocatedRequest.fromPartial({ snapshotId: "s", startingOffset: 7n }),
    ).finish(),
  );

  it("pass bytes unchanged, both ways", async () => {
    let seen: unknown;
    await driver.start({
      getMetadataAllocated: (call: ServerWritableStream<unknown, unknown>) => {
        seen = call.request;
        for (const message of messages) call.write(message);
        call.end();
      },
    });
    const got: Buffer[] = [];
    for await (const bytes of connect().openStream(allocated, request)) got.push(bytes);
    expect(seen).toMatchObject({ snapshotId: "s", startingOffset: 7n });
    const sent = messages.map((each) => Buffer.from(GetMetadataAllocatedResponse.encode(each).finish()));
    expect(got.map((each) => each.toString("hex"))).toEqual(sent.map((each) => each.toString("hex")));
  });

  it("are cancelled in the driver by their signal, also before they began", async () => {
    const cancelled = Promise.withResolvers<void>();
    await driver.start({
      getMetadataAllocated: (call: ServerWritableStream<unknown, unknown>) => {
        call.on("cancelled", cancelled.resolve);
        call.write(messages[0]);
      },
    });
    const stop = new AbortController();
    const stream = connect().openStream(allocated, request, { signal: stop.signal });
    const ended = new Promise((resolve) => stream.once("error", resolve));
    stream.once("data", () => stop.abort());
    expect(await ended).toMatchObject({ code: status.CANCELLED });
    await cancelled.promise;
    const never = connection.openStream(allocated, request, { signal: stop.signal });
    expect(await new Promise((resolve) => never.once("error", resolve))).toMatchObject({ code: status.CANCELLED });
  });

  it("end at their deadline", async () => {
    await driver.start({ getMetadataAllocated: () => undefined });
    const stream = connect().openStream(allocated, request, { deadline: Date.now() + 150, waitForReady: true });
    const ended = await new Promise((resolve) => stream.once("error", resolve));
    expect(ended).toMatchObject({ code: status.DEADLINE_EXCEEDED });
  });
});

describe("a driver that comes and goes", () => {
  it("is reported, and calls work again after its return", async () => {
    connect();
    const states: DriverState[] = [];
    connection.onState((state) => states.push(state));
    await expect(connection.call(ControllerService.createVolume, createRequest)).rejects.toMatchObject({
      code: status.UNAVAILABLE,
    });
    for (const id of ["first", "second"]) {
      await driver.start({ createVolume: volume({ volumeId: id }) });
      await reached("ready");
      const { volume: made } = await connection.call(ControllerService.createVolume, createRequest);
      expect(made?.volumeId).toBe(id);
      await driver.stop();
      await reached("lost");
    }
    expect(states).toEqual(["connecting", "ready", "lost", "ready", "lost"]);
  });

  it("is waited for by a call that asks for it", async () => {
    const call = connect().call(ControllerService.createVolume, createRequest, { waitForReady: true });
    await driver.start({ createVolume: volume({ volumeId: "v" }) });
    await expect(call).resolves.toMatchObject({ volume: { volumeId: "v" } });
  });
});

describe("identity", () => {
  it("refuses a driver without a name", async () => {
    await driver.start({ getPluginInfo: answer({ name: "", vendorVersion: "", manifest: {} }) });
    await expect(connect().pluginInfo()).rejects.toMatchObject({ kind: "terminal", reason: "DriverNameEmpty" });
  });

  it("tells what the driver offers", async () => {
    const service = (type: number) => ({ type: { $case: "service", value: { type } } });
    const rpc = (type: number) => ({ type: { $case: "rpc", value: { type } } });
    await driver.start({
      getPluginCapabilities: answer({
        capabilities: [
          service(1),
          service(4),
          { type: undefined },
          { type: { $case: "volumeExpansion", value: { type: 2 } } },
        ],
      }),
      controllerGetCapabilities: answer({ capabilities: [rpc(5), rpc(99)] }),
      groupControllerGetCapabilities: answer({ capabilities: [rpc(1)] }),
    });
    const { services, volumeExpansion } = await connect().pluginCapabilities();
    expect([[...services], [...volumeExpansion]]).toEqual([[1, 4], [2]]);
    expect([...(await connection.controllerCapabilities())]).toEqual([5, 99]);
    expect([...(await connection.groupControllerCapabilities())]).toEqual([1]);
  });

  it("takes an absent ready for ready, and false for not ready", async () => {
    const answers: unknown[] = [{ ready: undefined }, { ready: true }, { ready: false }];
    await driver.start({ probe: ((_call, callback) => callback(null, answers.shift())) satisfies Unary });
    connect();
    expect([await connection.probe(), await connection.probe(), await connection.probe()]).toEqual([true, true, false]);
  });

  it("waits until the driver is ready, once a second, through what is only a delay", async () => {
    const answers: Unary[] = [
      refuse(status.UNAVAILABLE, "starting"),
      refuse(status.DEADLINE_EXCEEDED, "slow backend"),
      answer({ ready: false }),
      answer({ ready: true }),
    ];
    let asked = 0;
    await driver.start({ probe: ((call, callback) => answers[asked++]?.(call, callback)) satisfies Unary });
    const clock = manualClock();
    const waited: number[] = [];
    const sleep = async (ms: number): Promise<void> => void waited.push(ms);
    await connect({ clock: { ...clock, sleep } }).waitReady();
    expect(asked).toBe(4);
    expect(waited).toEqual([1000, 1000, 1000]);
  });

  it("gives up waiting when waiting would not help, or when told", async () => {
    await driver.start({ probe: refuse(status.FAILED_PRECONDITION, "no licence") });
    await expect(connect().waitReady()).rejects.toMatchObject({ code: status.FAILED_PRECONDITION });
    await driver.stop();
    const stop = new AbortController();
    const waiting = connection.waitReady({ signal: stop.signal });
    stop.abort(new Error("enough"));
    await expect(waiting).rejects.toThrow("enough");
  });
});
