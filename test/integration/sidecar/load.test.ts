import { randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { type ClientReadableStream, type StatusObject, status } from "@grpc/grpc-js";
import { afterAll, beforeAll, expect, it } from "vitest";
import {
  BlockMetadataType,
  GetMetadataAllocatedRequest,
  GetMetadataAllocatedResponse,
} from "../../../pkg/gen/snapshotmetadata/snapshotmetadata.ts";
import { eventually } from "../../support/eventually.ts";
import { FaultProxy } from "../../support/fault-proxy.ts";
import { h2Caller } from "../../support/h2-caller.ts";
import { metadataCaller } from "../../support/metadata-call.ts";
import type { RawDriverCall } from "../../support/raw-driver.ts";
import { type Ground, openGround } from "../snapshotmetadata/rig.ts";
import { putSnapshot } from "../snapshotmetadata/snapshots.ts";
import { openPlace, type Place, type Sidecar } from "./place.ts";

let ground: Ground;
let proxy: FaultProxy;
let place: Place;

/** Tuples of one message, and messages of one stream that is read. */
const [perMessage, messagesPerStream] = [1024, 32];

/** Message number `n`: blocks of 4 KiB, one beside the other. */
function message(n: number): Buffer {
  const block = 4096n;
  const first = BigInt(n * perMessage);
  const blockMetadata = Array.from({ length: perMessage }, (_, at) => ({
    byteOffset: (first + BigInt(at)) * block,
    sizeBytes: block,
  }));
  const volumeCapacityBytes = 1n << 50n;
  const blockMetadataType = BlockMetadataType.FIXED_LENGTH;
  return Buffer.from(
    GetMetadataAllocatedResponse.encode({ blockMetadataType, volumeCapacityBytes, blockMetadata }).finish(),
  );
}

/** Sends messages as they are taken; for offset 1 it never comes to an end. */
function pour(call: RawDriverCall, count: number): void {
  let sent = 0;
  const next = (): void => {
    while (sent < count && !call.cancelled) {
      const room = call.write(message(sent));
      sent += 1;
      if (!room) return void call.once("drain", next);
    }
    if (!call.cancelled) call.end();
  };
  next();
}

beforeAll(async () => {
  ground = await openGround();
  proxy = await FaultProxy.start(ground.kubeconfigText);
  const stream = (
    call: RawDriverCall,
    { request }: { request: { startingOffset: bigint; maxResults: number } },
  ): void => {
    if (request.maxResults === 0) call.end();
    else pour(call, request.startingOffset === 1n ? Number.POSITIVE_INFINITY : messagesPerStream);
  };
  place = await openPlace(ground, { driver: { stream }, kubeconfigText: proxy.kubeconfig() });
  await putSnapshot(place);
});
afterAll(async () => {
  await place[Symbol.asyncDispose]();
  await proxy[Symbol.asyncDispose]();
  await ground[Symbol.asyncDispose]();
});

/** A heap this small would not hold what a program keeps of ten thousand calls. */
const smallHeap = { NODE_OPTIONS: "--max-old-space-size=80 --max-semi-space-size=4" };

const residentMb = async (sidecar: Sidecar): Promise<number> => {
  const { body } = await sidecar.http("/metrics");
  return Number(/^process_resident_memory_bytes (\S+)$/m.exec(body)?.[1]) / 2 ** 20;
};

const encoded = (request: Partial<GetMetadataAllocatedRequest>): Buffer =>
  Buffer.from(GetMetadataAllocatedRequest.encode(GetMetadataAllocatedRequest.fromPartial(request)).finish());

/** Calls with tokens of nobody, so many at a time over so many connections; how many ended with each code. */
async function flood(sidecar: Sidecar, localAddress: string, calls: number, connections: number, atOnce: number) {
  const codes = new Map<number, number>();
  let left = calls;
  const one = async (caller: ReturnType<typeof h2Caller>): Promise<void> => {
    while (left > 0) {
      left -= 1;
      const securityToken = randomBytes(300).toString("base64");
      const request = encoded({ securityToken, namespace: place.namespace, snapshotName: "snap" });
      const { "grpc-status": code } = await caller.call("GetMetadataAllocated", request);
      codes.set(Number(code), (codes.get(Number(code)) ?? 0) + 1);
    }
  };
  const many = async (): Promise<void> => {
    using caller = h2Caller({ port: sidecar.port, caPem: place.certificate.caPem, localAddress });
    await Promise.all(Array.from({ length: atOnce }, () => one(caller)));
  };
  await Promise.all(Array.from({ length: connections }, many));
  return codes;
}

it("10,000 random tokens: few reviews, no memory, and a valid caller is served meanwhile", async () => {
  await using sidecar = await place.start(["--v=0"], smallHeap);
  await sidecar.ready();
  const securityToken = await place.token();
  for (let n = 0; n < 300; n += 1) expect((await place.ask(sidecar, { securityToken })).code).toBe(status.OK);
  const before = await residentMb(sidecar);
  proxy.seen.length = 0;
  const began = performance.now();
  let over = false;
  const floods = Promise.all([
    // Of the valid caller's own address, and of another.
    flood(sidecar, "127.0.0.1", 1_000, 2, 16),
    flood(sidecar, "127.0.0.2", 9_000, 8, 64),
  ]).finally(() => {
    over = true;
  });
  const served = { calls: 0 };
  while (!over) {
    expect((await place.ask(sidecar, { securityToken })).code).toBe(status.OK);
    served.calls += 1;
  }
  const codes = await floods;
  const seconds = (performance.now() - began) / 1000;
  for (const each of codes) {
    expect([...each.keys()].toSorted((a, b) => a - b)).toEqual([status.RESOURCE_EXHAUSTED, status.UNAUTHENTICATED]);
  }
  expect(codes.flatMap((each) => [...each.values()]).reduce((sum, n) => sum + n, 0)).toBe(10_000);
  const reviews = proxy.seen.filter(({ path }) => path.endsWith("/tokenreviews")).length;
  // The defaults: 50 at first and 5 a second, for each of two addresses; and the valid token's own, each ten seconds.
  expect(reviews).toBeLessThanOrEqual(2 * (50 + 5 * seconds) + seconds / 10 + 2);
  expect(reviews).toBeGreaterThanOrEqual(100);
  expect(served.calls).toBeGreaterThan(10);
  const after = await residentMb(sidecar);
  // Buffers and the young generation; kept requests alone would be more.
  expect(after - before).toBeLessThan(100);
  expect((await place.ask(sidecar, { securityToken })).code).toBe(status.OK);
}, 120_000);

it("200 streams of one caller, twenty of them stalled: the others are complete, memory is bounded", async () => {
  await using sidecar = await place.start(["--v=0"], smallHeap);
  await sidecar.ready();
  const securityToken = await place.token();
  for (let n = 0; n < 50; n += 1) expect((await place.ask(sidecar, { securityToken })).code).toBe(status.OK);
  const request = { securityToken, namespace: place.namespace, snapshotName: "snap", maxResults: perMessage };
  using stalling = metadataCaller(sidecar.port, place.certificate.caPem);
  const stalled = Array.from({ length: 20 }, () => {
    const stream = stalling.raw("GetMetadataAllocated", encoded({ ...request, startingOffset: 1n }), {
      deadline: Date.now() + 15_000,
    });
    stream.once("data", () => stream.pause());
    return { stream, end: endOf(stream) };
  });
  const runs = async (count: number) => {
    const { body } = await sidecar.http("/metrics");
    return body.length > 0 && place.driver.seen.length >= count;
  };
  await eventually("the stalled run", async () => expect(await runs(70)).toBe(true));
  using reading = metadataCaller(sidecar.port, place.certificate.caPem);
  let over = false;
  const read = Promise.all(Array.from({ length: 180 }, () => reading.allocated(request))).finally(() => {
    over = true;
  });
  let peak = 0;
  while (!over) {
    peak = Math.max(peak, await residentMb(sidecar));
    await sleep(50);
  }
  const results = await read;
  expect(results.filter(({ code }) => code !== status.OK)).toEqual([]);
  expect(results.filter(({ messages }) => messages.length !== messagesPerStream)).toEqual([]);
  expect(peak).toBeLessThan(512);
  for (const { stream } of stalled) stream.resume();
  for (const { code } of await Promise.all(stalled.map(({ end }) => end))) expect(code).toBe(status.DEADLINE_EXCEEDED);
  await eventually("all of them are over", async () => {
    const { body } = await sidecar.http("/metrics");
    expect(body).toMatch(/grpc_status_code="DeadlineExceeded".*\} 20$/m);
  });
}, 120_000);

const endOf = (stream: ClientReadableStream<unknown>): Promise<StatusObject> =>
  new Promise((resolve) => stream.on("error", () => undefined).on("status", resolve));
