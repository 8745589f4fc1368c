import { EventEmitter } from "node:events";
import { connect, constants } from "node:http2";
import { connect as connectSocket } from "node:net";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import type { ServerWritableStream } from "@grpc/grpc-js";
import { status } from "@grpc/grpc-js";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { GetMetadataAllocatedRequest, SnapshotMetadataService } from "../../../gen/csi/v1/csi.ts";
import { silentLogger } from "../../../runtime/log/index.ts";
import { systemClock } from "../../../runtime/timing/index.ts";
import { type DevDriver, startDevDriver } from "../driver.ts";
import { Faults } from "../faults/faults.ts";
import { DriverClient, type TestFolder, testFolder, writeTo } from "../testing/harness.ts";
import { Handlers } from "./handlers.ts";

let folder: TestFolder;

beforeEach(async () => {
  folder = await testFolder();
});

afterEach(async () => {
  await folder[Symbol.asyncDispose]();
});

/** The server's side of a stream, so slow that nothing leaves it until the test says so. */
class SlowCall extends EventEmitter {
  readonly request = {};
  cancelled = false;
  readonly written: number[] = [];
  ended = false;
  full = true;
  getDeadline(): number {
    return Number.POSITIVE_INFINITY;
  }
  write(message: number): boolean {
    this.written.push(message);
    return !this.full;
  }
  end(): void {
    this.ended = true;
    this.emit("ended");
  }
}

async function ticks(): Promise<void> {
  for (let tick = 0; tick < 20; tick++) await setImmediate();
}

describe("server streams", () => {
  const handlers = (): Handlers =>
    new Handlers({
      faults: new Faults(join(folder.path, "faults.json")),
      ...{ requireSecret: undefined, clock: systemClock, log: silentLogger(), stopping: new AbortController().signal },
      dropConnections: () => undefined,
    });

  const begin = (call: SlowCall): { pulled: () => number } => {
    let pulled = 0;
    async function* many(): AsyncGenerator<number> {
      while (pulled < 5000) yield ++pulled;
    }
    const handle = handlers().serverStream("GetMetadataDelta", async () => many());
    handle(call as unknown as ServerWritableStream<object, number>);
    return { pulled: () => pulled };
  };

  const wrote = async (call: SlowCall, count: number): Promise<void> => {
    while (call.written.length < count) await setImmediate();
  };

  it("make the next message only when the reader has room", async () => {
    const call = new SlowCall();
    const { pulled } = begin(call);
    await wrote(call, 1);
    await ticks();
    expect([call.written, pulled()]).toEqual([[1], 1]);
    call.emit("drain");
    await wrote(call, 2);
    await ticks();
    expect(call.written).toEqual([1, 2]);
    call.once("error", () => undefined);
    call.emit("cancelled");
    await ticks();
  });

  it("end with CANCELLED, never OK, when the reader has gone", async () => {
    const call = new SlowCall();
    begin(call);
    await wrote(call, 1);
    const error = new Promise((resolve) => call.once("error", resolve));
    call.emit("cancelled");
    expect(await error).toMatchObject({ code: status.CANCELLED });
    expect(call.ended).toBe(false);
  });
});

/** Reads one stream without a client library, which would answer for the driver; returns the status on the wire. */
async function statusOnTheWire(
  socketPath: string,
  request: Buffer,
  timeout: string,
): Promise<{ grpcStatus: string | undefined; bytes: number }> {
  const session = connect("http://localhost", { createConnection: () => connectSocket(socketPath) });
  try {
    const stream = session.request({
      [constants.HTTP2_HEADER_METHOD]: "POST",
      [constants.HTTP2_HEADER_PATH]: SnapshotMetadataService.getMetadataAllocated.path,
      [constants.HTTP2_HEADER_CONTENT_TYPE]: "application/grpc",
      [constants.HTTP2_HEADER_TE]: "trailers",
      "grpc-timeout": timeout,
    });
    const frame = Buffer.alloc(5 + request.length);
    frame.writeUInt32BE(request.length, 1);
    request.copy(frame, 5);
    stream.end(frame);
    let bytes = 0;
    let grpcStatus: string | undefined;
    const note = (headers: NodeJS.Dict<string | string[]>): void => {
      grpcStatus = headers["grpc-status"]?.toString() ?? grpcStatus;
    };
    stream.on("response", note);
    stream.on("trailers", note);
    stream.on("data", (chunk: Buffer) => {
      bytes += chunk.length;
    });
    await new Promise<void>((resolve, reject) => {
      stream.once("close", resolve);
      stream.once("error", reject);
    });
    return { grpcStatus, bytes };
  } finally {
    session.close();
  }
}

describe("a deadline", () => {
  let driver: DevDriver;

  beforeEach(async () => {
    driver = await startDevDriver({ endpoint: join(folder.path, "s"), stateDir: join(folder.path, "state") });
  });

  afterEach(async () => {
    await driver.close();
  });

  it("ends a stream with DEADLINE_EXCEEDED on the wire, after part of it was sent", async () => {
    await using client = new DriverClient(driver.endpoint);
    const volume = await client.createVolume("v", 1n << 20n);
    await writeTo(volume, 0, Buffer.alloc(1 << 20, 1));
    const { snapshotId } = await client.createSnapshot("s", volume.volumeId);
    const request = SnapshotMetadataService.getMetadataAllocated.requestSerialize(
      GetMetadataAllocatedRequest.fromPartial({ snapshotId, maxResults: 10 }),
    );
    const socketPath = join(folder.path, "s");
    const whole = await statusOnTheWire(socketPath, request, "20S");
    expect(whole.grpcStatus).toBe("0");
    await driver.setFaults({ GetMetadataAllocated: { afterMessages: 3, hang: true } });
    const cut = await statusOnTheWire(socketPath, request, "300m");
    expect(cut.grpcStatus).toBe(String(status.DEADLINE_EXCEEDED));
    expect(cut.bytes).toBeGreaterThan(0);
    expect(cut.bytes).toBeLessThan(whole.bytes);
  });
});
