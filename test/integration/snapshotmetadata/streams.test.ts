import { once } from "node:events";
import { connect, constants } from "node:http2";
import { type CallOptions, type ClientReadableStream, type StatusObject, status } from "@grpc/grpc-js";
import { describe, expect, it } from "vitest";
import {
  GetMetadataAllocatedRequest,
  GetMetadataAllocatedResponse,
} from "../../../pkg/gen/snapshotmetadata/snapshotmetadata.ts";
import { manualClock, systemClock } from "../../../pkg/runtime/timing/index.ts";
import { eventually } from "../../support/eventually.ts";
import { message, pour } from "../../support/metadata-messages.ts";
import type { RawDriverCall } from "../../support/raw-driver.ts";
import { useGround } from "./ask.ts";
import { openRig, type Rig, type RigOptions, untilReady } from "./rig.ts";
import { putSnapshot } from "./snapshots.ts";

const { ground } = useGround();

async function withRig(options: RigOptions, test: (rig: Rig) => Promise<void>): Promise<void> {
  await using rig = await openRig(ground(), options);
  await putSnapshot(rig);
  await untilReady(rig);
  await test(rig);
}

const request = async (rig: Rig) => ({
  securityToken: await rig.token(),
  namespace: rig.namespace,
  snapshotName: "snap",
});

const bytesOf = async (rig: Rig): Promise<Buffer> =>
  Buffer.from(GetMetadataAllocatedRequest.encode(GetMetadataAllocatedRequest.fromPartial(await request(rig))).finish());

/** Waits until a number has stopped growing. */
async function settled(read: () => number): Promise<number> {
  let last = -1;
  let same = 0;
  return await eventually("it stops growing", () => {
    const now = read();
    same = now === last ? same + 1 : 0;
    last = now;
    if (same < 25) throw new Error(`still at ${now}`);
    return now;
  });
}

const ended = (stream: ClientReadableStream<unknown>): Promise<StatusObject> =>
  new Promise((resolve) => stream.on("error", () => {}).on("status", resolve));

/** A stream under way: its end, and how many messages have come. */
interface Opened {
  readonly stream: ClientReadableStream<unknown>;
  readonly end: Promise<StatusObject>;
  readonly progress: { readonly received: number };
}

/** Asks for the blocks, counts what comes, and returns once so many messages have come. */
async function openUntil(rig: Rig, messages: number, options: Partial<CallOptions> = {}): Promise<Opened> {
  const stream = rig.caller.raw("GetMetadataAllocated", await bytesOf(rig), options);
  const progress = { received: 0 };
  const end = ended(stream);
  stream.on("data", () => {
    progress.received += 1;
    // In the same turn of the event loop: a caller that wants to stop reading must not have read on.
    if (progress.received === messages) stream.pause();
  });
  await eventually(`${messages} messages`, () => expect(progress.received).toBe(messages));
  return { stream, end, progress };
}

describe("what the driver sends", () => {
  it.each([
    [1000, 4096],
    // Each needs a buffer of its own.
    [60, 300_000],
  ])("arrives unchanged and in order, to the end: %i messages of %i bytes", async (count, sizeBytes) => {
    const driver = { stream: (call: RawDriverCall) => void pour(call, count, sizeBytes, () => call.end()) };
    await withRig({ driver }, async (rig) => {
      const streams = Array.from({ length: 4 }, async () => await rig.caller.allocated(await request(rig)));
      for (const { messages, code } of await Promise.all(streams)) {
        expect(code).toBe(status.OK);
        expect(messages.length).toBe(count);
        expect(messages.findIndex((each, n) => !each.equals(message(n, sizeBytes)))).toBe(-1);
      }
    });
  });

  it.each([
    [1, 2048],
    [17, 2048],
    [500, 2048],
    // Each is more than may wait at once: the driver is paused when its failure comes.
    [6, 2 << 20],
  ])("%i messages of %i bytes before a failure are all delivered", async (count, sizeBytes) => {
    const fail = { code: status.ABORTED, details: "gave up" };
    const driver = {
      stream: (call: RawDriverCall) => void pour(call, count, sizeBytes, () => call.emit("error", fail)),
    };
    await withRig({ driver }, async (rig) => {
      const result = await rig.caller.allocated(await request(rig));
      expect(result).toMatchObject(fail);
      expect(result.messages.length).toBe(count);
    });
  });
});

describe("who is slow or gone", () => {
  it("a caller that reads slowly slows the driver and loses nothing", async () => {
    const count = 1500;
    let progress = { sent: 0 };
    const driver = {
      stream: (call: RawDriverCall) => {
        progress = pour(call, count, 64 * 1024, () => call.end());
      },
    };
    await withRig({ driver }, async (rig) => {
      const slow = await openUntil(rig, 1);
      const atRest = await settled(() => progress.sent);
      expect(atRest).toBeLessThan(count / 4);
      slow.stream.resume();
      expect(await slow.end).toMatchObject({ code: status.OK });
      expect(slow.progress.received).toBe(count);
    });
  });

  it("a caller that leaves cancels the driver's stream", async () => {
    let left = false;
    const driver = {
      stream: (call: RawDriverCall) => {
        call.on("cancelled", () => {
          left = true;
        });
        call.write(message(1));
      },
    };
    await withRig({ driver }, async (rig) => {
      const stream = rig.caller.raw("GetMetadataAllocated", await bytesOf(rig));
      stream.once("data", () => stream.cancel());
      expect(await ended(stream)).toMatchObject({ code: status.CANCELLED });
      await eventually("the driver is told", () => expect(left).toBe(true));
      await eventually("it is counted", async () =>
        expect((await rig.http("/metrics")).body).toMatch(/grpc_status_code="Canceled".*\} 1/),
      );
    });
  });

  it("a caller's deadline ends the driver's stream and is never a complete one", async () => {
    let left = false;
    const driver = {
      stream: (call: RawDriverCall) => {
        // What careless drivers do: an ended call counts as success.
        call.on("cancelled", () => {
          left = true;
          call.end();
        });
        call.write(message(1));
      },
    };
    await withRig({ driver }, async (rig) => {
      const result = await rig.caller.allocated(await request(rig), { deadline: Date.now() + 700 });
      expect(result.code).toBe(status.DEADLINE_EXCEEDED);
      await eventually("the driver is told", () => expect(left).toBe(true));
      await eventually("it is counted", async () =>
        expect((await rig.http("/metrics")).body).toMatch(/grpc_status_code="DeadlineExceeded".*\} 1/),
      );
    });
  });

  it("the server's limit ends a stream of a caller without deadline", async () => {
    const manual = manualClock(Date.now());
    const minutes = (ms: number): boolean => ms > 120_000;
    const clock = {
      ...systemClock,
      sleep: (ms: number, signal?: AbortSignal) =>
        minutes(ms) ? manual.sleep(ms, signal) : systemClock.sleep(ms, signal),
    };
    const driver = { stream: (call: RawDriverCall) => void call.write(message(1)) };
    await withRig({ driver, clock, flags: ["--max-streaming-duration-min=3"] }, async (rig) => {
      const { stream, end } = await openUntil(rig, 1);
      stream.resume();
      await manual.advance(180_000);
      expect(await end).toMatchObject({
        code: status.DEADLINE_EXCEEDED,
        details: expect.stringContaining("server's limit"),
      });
    });
  });

  it("a driver's OK that comes after the limit is not passed on, even if no timer has told of it", async () => {
    let aheadMs = 0;
    const clock = { ...systemClock, now: () => systemClock.now() + aheadMs };
    let finish = (): void => undefined;
    const driver = {
      stream: (call: RawDriverCall) => {
        call.write(message(1));
        finish = () => call.end();
      },
    };
    await withRig({ driver, clock }, async (rig) => {
      const { stream, end } = await openUntil(rig, 1);
      stream.resume();
      aheadMs = 11 * 60_000;
      finish();
      expect((await end).code).toBe(status.DEADLINE_EXCEEDED);
    });
  });

  it("a caller without deadline that never reads again has its stream reset after the server's limit", async () => {
    const manual = manualClock(Date.now());
    const clock = {
      ...systemClock,
      sleep: (ms: number, signal?: AbortSignal) =>
        ms > 120_000 ? manual.sleep(ms, signal) : systemClock.sleep(ms, signal),
    };
    let progress = { sent: 0 };
    const driver = {
      stream: (call: RawDriverCall) => {
        progress = pour(call, 100_000, 64 * 1024, () => call.end());
      },
    };
    await withRig({ driver, clock, flags: ["--max-streaming-duration-min=3"] }, async (rig) => {
      // A caller of plain HTTP/2, which can really leave its window closed.
      const session = connect(`https://localhost:${rig.port}`, { ca: rig.caPem });
      const body = await bytesOf(rig);
      const head = Buffer.alloc(5);
      head.writeUInt32BE(body.byteLength, 1);
      const stream = session.request({
        ":method": "POST",
        ":path": "/snapshotmetadata.SnapshotMetadata/GetMetadataAllocated",
        "content-type": "application/grpc",
        te: "trailers",
      });
      stream.on("error", () => {});
      stream.end(Buffer.concat([head, body]));
      const closed = once(stream, "close");
      await settled(() => progress.sent);
      expect(progress.sent).toBeGreaterThan(0);
      expect(progress.sent).toBeLessThan(1_000);
      await manual.advance(180_000);
      await closed;
      expect(stream.rstCode).toBe(constants.NGHTTP2_CANCEL);
      session.destroy();
    });
  });

  it("a caller that never reads again is cut off after the limit", async () => {
    let progress = { sent: 0 };
    let left = false;
    const driver = {
      stream: (call: RawDriverCall) => {
        call.on("cancelled", () => {
          left = true;
        });
        progress = pour(call, 100_000, 64 * 1024, () => call.end());
      },
    };
    await withRig({ driver }, async (rig) => {
      const { stream, end } = await openUntil(rig, 1, { deadline: Date.now() + 2_000 });
      await eventually("the driver is told", () => expect(left).toBe(true));
      expect(progress.sent).toBeLessThan(1_000);
      stream.resume();
      expect((await end).code).not.toBe(status.OK);
      await eventually("it is counted", async () =>
        expect((await rig.http("/metrics")).body).toMatch(/grpc_status_code="DeadlineExceeded".*\} 1/),
      );
    });
  });
});

describe("the driver's life", () => {
  it("a driver that dies mid-stream: UNAVAILABLE, unready; back again: ready, served", async () => {
    const driver = { stream: (call: RawDriverCall) => void pour(call, 3, 64, () => undefined) };
    await withRig({ driver }, async (rig) => {
      const { stream, end } = await openUntil(rig, 3);
      stream.resume();
      rig.driver.kill();
      expect((await end).code).toBe(status.UNAVAILABLE);
      await eventually("unready", async () => expect((await rig.http("/health")).status).toBe(503));
      expect(await rig.caller.allocated(await request(rig))).toMatchObject({
        code: status.UNAVAILABLE,
        details: expect.stringContaining("driver is not ready"),
      });
      await rig.driver.start();
      await untilReady(rig);
      const again = rig.caller.raw("GetMetadataAllocated", await bytesOf(rig));
      again.once("data", () => again.cancel());
      expect((await ended(again)).code).toBe(status.CANCELLED);
    });
  });

  it("a driver that is not ready yet is waited for", async () => {
    let ready = false;
    await using rig = await openRig(ground(), { driver: { ready: () => ready } });
    await putSnapshot(rig);
    expect((await rig.http("/readyz")).status).toBe(503);
    expect((await rig.http("/healthz")).status).toBe(200);
    ready = true;
    await untilReady(rig);
    expect((await rig.caller.allocated(await request(rig))).code).toBe(status.OK);
  });

  it("a driver without the capability ends the program, with a clear message", async () => {
    const started = (async () => {
      await using rig = await openRig(ground(), { driver: { services: [] } });
      await rig.finished;
    })();
    // The failure comes from the start or, when that was quicker, from both the run and the stop.
    const failure: unknown = await started.catch((thrown: unknown) => thrown);
    const first = failure instanceof SuppressedError ? failure.suppressed : failure;
    expect(String(first)).toMatch(/does not offer SNAPSHOT_METADATA_SERVICE/);
  });
});

describe("the server's end", () => {
  it("refuses new calls, lets streams finish, then tells them to resume elsewhere", async () => {
    const driver = { stream: (call: RawDriverCall) => void call.write(message(1)) };
    await withRig({ driver, flags: ["--drain-timeout=300ms"] }, async (rig) => {
      const { stream, end } = await openUntil(rig, 1);
      stream.resume();
      const stopped = rig.stop();
      expect(await end).toMatchObject({ code: status.UNAVAILABLE, details: expect.stringContaining("resume") });
      await stopped;
    });
  });

  it("a stream that ends within the drain is complete", async () => {
    let finish = (): void => undefined;
    const driver = {
      stream: (call: RawDriverCall) => {
        call.write(message(1));
        finish = () => call.end();
      },
    };
    await withRig({ driver, flags: ["--drain-timeout=20s"] }, async (rig) => {
      const { stream, end } = await openUntil(rig, 1);
      stream.resume();
      const stopped = rig.stop();
      finish();
      expect((await end).code).toBe(status.OK);
      await stopped;
    });
  });
});

describe("what is counted", () => {
  it("both methods by their own name, codes by Go's, snapshots only when asked", async () => {
    await withRig({}, async (rig) => {
      await rig.caller.allocated(await request(rig));
      const { snapshotName: targetSnapshotName, ...rest } = await request(rig);
      await rig.caller.delta({ ...rest, targetSnapshotName, baseSnapshotId: "base-1" });
      await rig.caller.allocated({});
      const { body } = await rig.http("/metrics");
      const count = (method: string, code: string, target = "", base = ""): string =>
        `snapshot_metadata_controller_operations_seconds_count{driver_name="${rig.driverName}",method_name="${method}",` +
        `grpc_status_code="${code}",target_snapshot="${target}",base_snapshot="${base}"} 1`;
      expect(body).toContain(count("MetadataAllocated", "OK"));
      expect(body).toContain(count("MetadataDelta", "OK"));
      expect(body).toContain(count("MetadataAllocated", "InvalidArgument"));
    });
    await withRig({ flags: ["--metrics-snapshot-labels"] }, async (rig) => {
      const { snapshotName: targetSnapshotName, ...rest } = await request(rig);
      await rig.caller.delta({ ...rest, targetSnapshotName, baseSnapshotId: "base-1" });
      const { body } = await rig.http("/metrics");
      expect(body).toContain(`target_snapshot="${rig.namespace}/snap",base_snapshot="base-1"} 1`);
    });
  });

  it("the metrics page goes where the flag says, or nowhere; health stays", async () => {
    await withRig({ flags: ["--metrics-path=/m"] }, async (rig) => {
      expect([(await rig.http("/m")).status, (await rig.http("/metrics")).status]).toEqual([200, 404]);
    });
    await withRig({ flags: ["--disable-metrics"] }, async (rig) => {
      expect([(await rig.http("/metrics")).status, (await rig.http("/health")).body]).toEqual([404, "ok"]);
    });
  });

  it("a request above 64 KiB is refused unread", async () => {
    await withRig({}, async (rig) => {
      const result = await rig.caller.allocated({ ...(await request(rig)), securityToken: "x".repeat(70_000) });
      expect(result.code).toBe(status.RESOURCE_EXHAUSTED);
    });
  });

  it("a decoded response is what a driver of this protocol sends", async () => {
    const sent = GetMetadataAllocatedResponse.fromPartial({
      blockMetadataType: 1,
      volumeCapacityBytes: 1n << 60n,
      blockMetadata: [{ byteOffset: (1n << 53n) + 1n, sizeBytes: 4096n }],
    });
    const driver = {
      stream: (call: RawDriverCall) => {
        call.write(Buffer.from(GetMetadataAllocatedResponse.encode(sent).finish()));
        call.end();
      },
    };
    await withRig({ driver }, async (rig) => {
      const { messages } = await rig.caller.allocated(await request(rig));
      expect(messages.map((each) => GetMetadataAllocatedResponse.decode(each))).toEqual([sent]);
    });
  });
});
