import { BinaryWriter } from "@bufbuild/protobuf/wire";
import { Metadata } from "@grpc/grpc-js";
import { beforeAll, describe, expect, it } from "vitest";
import { makeServerCertificate, type ServerCertificate } from "../../runtime/certificates/index.ts";
import { manualClock } from "../../runtime/timing/index.ts";
import { type FakeApi, failureOf, openedOn, rangesOf } from "./fake-api.ts";
import { aMessage, type Script } from "./metadata-service.ts";
import type { MetadataOptions } from "./options.ts";

const MiB = 2 ** 20;
const named = aMessage([[4096, 4096]]);
let certificate: ServerCertificate;
beforeAll(async () => {
  certificate = await makeServerCertificate(["127.0.0.1"]);
});

/** A delta of tuesday since monday. */
const opened = (
  scripts: readonly Script[],
  change: Partial<MetadataOptions> & { readonly spoil?: (api: FakeApi) => void } = {},
) => openedOn(certificate, scripts, { previousSnapshotName: "monday", ...change });

/** The content of a snapshot says how large the volume is. */
function sized(api: FakeApi, restoreSize = 8n * BigInt(MiB)): void {
  api.put("VolumeSnapshotContent", "", "content-tuesday", {
    spec: { driver: "dev", volumeSnapshotRef: { namespace: "shop", name: "tuesday", uid: "uid-tuesday" } },
    status: { snapshotHandle: "handle-tuesday", restoreSize },
  });
}

const unimplemented = { end: { code: 12, details: "no CBT" } };

describe("stepping down", () => {
  it.each([
    ["FAILED_PRECONDITION", 9, "FailedPrecondition"],
    ["NOT_FOUND", 5, "NotFound"],
    ["UNIMPLEMENTED", 12, "Unimplemented"],
  ])("a delta that ends with %s becomes allocated ranges, and it is told why", async (_, code, reason) => {
    const told: unknown[] = [];
    const scripts = [{ end: { code, details: "no delta" } }, { messages: [named] }];
    await using it = await opened(scripts, {
      fallback: "allocated",
      onFallback: ({ tier }, next) => told.push([tier, next]),
    });
    expect(it.stream.tier).toBe("delta");
    expect(await rangesOf(it.stream)).toEqual([[4096n, 4096n]]);
    expect(it.stream).toMatchObject({ tier: "allocated", steps: [{ tier: "delta", failure: { reason, code } }] });
    expect(it.stream.progress.complete).toBe(true);
    expect(it.service.requests.map(({ method }) => method)).toEqual(["delta", "allocated"]);
    expect(told).toEqual([["delta", "allocated"]]);
  });

  it.each<[string, (api: FakeApi) => void]>([
    ["no snapshot", (api) => api.objects.delete("VolumeSnapshot/shop/monday")],
    ["no content", (api) => api.objects.delete("VolumeSnapshotContent//content-monday")],
    [
      "no handle",
      (api) =>
        api.put("VolumeSnapshotContent", "", "content-monday", {
          spec: { driver: "dev", volumeSnapshotRef: { namespace: "shop", name: "monday" } },
        }),
    ],
  ])("an earlier snapshot of which there is %s: allocated ranges, without asking for a delta", async (_, spoil) => {
    await using it = await opened([{ messages: [named] }], { fallback: "allocated", spoil });
    expect(await rangesOf(it.stream)).toHaveLength(1);
    expect(it.stream).toMatchObject({ tier: "allocated", steps: [{ failure: { reason: "BaseUnavailable" } }] });
    expect(it.service.requests.map(({ method }) => method)).toEqual(["allocated"]);
  });

  it("nothing can be asked: the whole volume, as large as the API says", async () => {
    const options = { fallback: "full", spoil: sized } as const;
    await using it = await opened([unimplemented, unimplemented], options);
    expect(await rangesOf(it.stream)).toEqual([[0n, 8n * BigInt(MiB)]]);
    expect(it.stream).toMatchObject({ tier: "full", steps: [{ tier: "delta" }, { tier: "allocated" }] });
    expect(it.stream.progress).toMatchObject({ complete: true, volumeCapacityBytes: 8n * BigInt(MiB) });
  });

  it("no metadata service: the whole volume at once, from the offset that was asked for", async () => {
    await using it = await opened([], {
      fallback: "full",
      startingOffset: 4096n,
      spoil: (api) => {
        sized(api);
        api.objects.delete("SnapshotMetadataService//dev");
      },
    });
    expect(await rangesOf(it.stream)).toEqual([[4096n, 8n * BigInt(MiB) - 4096n]]);
    expect(it.stream).toMatchObject({
      tier: "full",
      steps: [{ tier: "delta", failure: { reason: "ServiceNotFound" } }],
    });
    expect(it.service.requests).toHaveLength(0);
    expect(it.api.tokenRequests).toHaveLength(0);
  });

  it("a message without ranges told the size, and does not bind the next tier", async () => {
    const delta = { messages: [aMessage([], { capacity: 1n << 30n, type: 2 })], end: { code: 9 } };
    await using it = await opened([delta, { messages: [named] }], { fallback: "full" });
    expect(await rangesOf(it.stream)).toHaveLength(1);
    await using whole = await opened([delta, unimplemented], { fallback: "full" });
    expect(await rangesOf(whole.stream)).toEqual([[0n, 1n << 30n]]);
  });

  it.each([0n, 4096n])("a driver that tells %d bytes takes nothing from what the API says", async (capacity) => {
    const delta = { messages: [aMessage([], { capacity })], end: { code: 9 } };
    await using it = await opened([delta, unimplemented], { fallback: "full", spoil: sized });
    expect(await rangesOf(it.stream)).toEqual([[0n, 8n * BigInt(MiB)]]);
    expect(it.stream.progress).toMatchObject({ complete: true, volumeCapacityBytes: 8n * BigInt(MiB) });
  });

  it("of two sizes that the driver told, the larger one counts", async () => {
    const first = { messages: [aMessage([], { capacity: 1n << 30n })], end: { code: 9 } };
    const second = { messages: [aMessage([], { capacity: 4096n })], end: { code: 12 } };
    await using it = await opened([first, second], { fallback: "full" });
    expect(await rangesOf(it.stream)).toEqual([[0n, 1n << 30n]]);
  });

  it("a capacity of 0 is no size", async () => {
    const empty = { messages: [aMessage([], { capacity: 0n })], end: { code: 9, details: "no CBT" } };
    await using it = await opened([empty, empty], { fallback: "full" });
    expect(await failureOf(rangesOf(it.stream))).toMatchObject({ reason: "SizeUnknown" });
    expect(it.stream.progress.complete).toBe(false);
  });

  it("a size that nobody tells is an error, not an empty volume", async () => {
    await using it = await opened([unimplemented, unimplemented], { fallback: "full" });
    const failure = await failureOf(rangesOf(it.stream));
    expect(failure).toMatchObject({ reason: "SizeUnknown", message: expect.stringContaining("no CBT") });
    expect(it.stream.progress.complete).toBe(false);
  });
});

describe("not stepping down", () => {
  it.each([
    ["by default", {}],
    ["below what is allowed", { previousSnapshotName: "", fallback: "allocated" }],
  ] as const)("%s: the error says which tier could be had", async (_, change) => {
    await using it = await opened([unimplemented, { messages: [named] }], change);
    const failure = await failureOf(rangesOf(it.stream));
    const lowerTier = "fallback" in change ? "full" : "allocated";
    expect(failure).toMatchObject({ reason: "Unimplemented", kind: "terminal", code: 12, lowerTier });
    expect(it.service.requests).toHaveLength(1);
  });

  it.each([
    ["UNAUTHENTICATED", 16],
    ["PERMISSION_DENIED", 7],
    ["INVALID_ARGUMENT", 3],
    ["OUT_OF_RANGE", 11],
    ["INTERNAL", 13],
    ["RESOURCE_EXHAUSTED", 8],
    ["UNAVAILABLE, again and again", 14],
    ["DEADLINE_EXCEEDED, again and again", 4],
  ])("after %s", async (_, code) => {
    const resume = { attempts: 2, firstPauseMs: 0 };
    const end = { end: { code } };
    await using it = await opened([end, end], { fallback: "full", spoil: sized, resume });
    const failure = await failureOf(rangesOf(it.stream));
    expect(failure).toMatchObject({ code, lowerTier: undefined });
    expect(it.service.requests.every(({ method }) => method === "delta")).toBe(true);
    expect(it.stream.steps).toEqual([]);
  });

  it("when the snapshot itself is not there", async () => {
    const end = { end: { code: 5, details: "no such snapshot" } };
    await using it = await opened([end, end], { fallback: "full", spoil: sized });
    expect(await failureOf(rangesOf(it.stream))).toMatchObject({ reason: "NotFound", lowerTier: undefined });
    expect(it.service.requests).toHaveLength(2);
  });

  it("to allocated ranges, when there is nobody to ask for them", async () => {
    const spoil = (api: FakeApi) => api.objects.delete("SnapshotMetadataService//dev");
    const failure = await failureOf(opened([], { fallback: "allocated", spoil }));
    expect(failure).toMatchObject({ reason: "ServiceNotFound", lowerTier: "full" });
  });

  it("when the caller has stopped", async () => {
    const stopping = new AbortController();
    await using it = await opened([{ end: "hang" }], { fallback: "full", spoil: sized, signal: stopping.signal });
    const failed = failureOf(rangesOf(it.stream));
    await expect.poll(() => it.service.requests.length).toBe(1);
    stopping.abort(new Error("enough"));
    expect(await failed).toMatchObject({ reason: "Cancelled" });
  });

  it.each([
    ["at once", [{ messages: [named], end: { code: 9, details: "no CBT" } }]],
    ["when taken up", [{ messages: [named], end: { code: 14 } }, { end: { code: 9, details: "no CBT" } }]],
  ])("after the first range, %s: another tier would name it again", async (_, scripts) => {
    await using it = await opened([...scripts, { messages: [named] }], { fallback: "full", spoil: sized });
    const failure = await failureOf(rangesOf(it.stream));
    expect(failure).toMatchObject({ reason: "TierLost", kind: "terminal", code: 9, lowerTier: "allocated" });
    expect(failure.message).toMatch(/the delta ranges ended at byte 8192 .*no CBT.* start over with allocated ranges$/);
    expect(it.service.requests).toHaveLength(scripts.length);
    expect(it.stream).toMatchObject({ tier: "delta", steps: [] });
  });
});

describe("a service that says when to try again", () => {
  const exhausted = (trailers: Metadata): Script => ({ end: { code: 8, details: "too many streams", trailers } });

  function pushback(value: string): Metadata {
    const trailers = new Metadata();
    trailers.set("grpc-retry-pushback-ms", value);
    return trailers;
  }

  function retryInfo(seconds: number, nanos: number): Metadata {
    const delay = new BinaryWriter().uint32(8).int64(seconds).uint32(16).int32(nanos).finish();
    const info = new BinaryWriter().uint32(10).bytes(delay).finish();
    const any = (type: string, value: Uint8Array) =>
      new BinaryWriter().uint32(10).string(`type.googleapis.com/${type}`).uint32(18).bytes(value).finish();
    const status = new BinaryWriter().uint32(8).int32(8).uint32(18).string("too many streams");
    status.uint32(26).bytes(any("google.rpc.DebugInfo", Buffer.from([0xff])));
    status.uint32(26).bytes(any("google.rpc.RetryInfo", info));
    const trailers = new Metadata();
    trailers.set("grpc-status-details-bin", Buffer.from(status.finish()));
    return trailers;
  }

  it.each<[string, Metadata, number]>([
    ["pushback in milliseconds", pushback("1500"), 1500],
    ["RetryInfo", retryInfo(2, 500_000_000), 2500],
    ["a hint shorter than our own pause", pushback("1"), 200],
  ])("is asked again after that: %s", async (_, trailers, waitMs) => {
    const clock = manualClock();
    const pauses: number[] = [];
    await using it = await opened([exhausted(trailers), { messages: [named] }], {
      ...{ clock, resume: { firstPauseMs: 200 }, onResume: ({ pauseMs }) => pauses.push(pauseMs) },
    });
    const done = rangesOf(it.stream);
    await clock.sleepers(1);
    await clock.advance(waitMs - 1);
    expect(it.service.requests).toHaveLength(1);
    await clock.advance(1);
    expect(await done).toHaveLength(1);
    expect(pauses).toEqual([waitMs]);
  });

  it("is not asked more often than the policy allows", async () => {
    const resume = { attempts: 3, firstPauseMs: 0 };
    await using it = await opened(Array(5).fill(exhausted(pushback("0"))), { resume });
    expect(await failureOf(rangesOf(it.stream))).toMatchObject({ reason: "ResourceExhausted", kind: "transient" });
    expect(it.service.requests).toHaveLength(3);
  });

  it.each<[string, Metadata]>([
    ["no hint", new Metadata()],
    ["never again", pushback("-1")],
    ["what is no number", pushback("soon")],
    ["an hour", pushback("3600000")],
    [
      "bytes that are no status",
      (() => {
        const trailers = new Metadata();
        trailers.set("grpc-status-details-bin", Buffer.from([0x1a, 0xff, 0xff, 0x01]));
        return trailers;
      })(),
    ],
  ])("is not asked again after %s", async (_, trailers) => {
    await using it = await opened([exhausted(trailers)]);
    const failure = await failureOf(rangesOf(it.stream));
    expect(failure).toMatchObject({ reason: "ResourceExhausted", kind: "terminal" });
    expect(failure.message).toMatch(/too many streams(; it wants to be asked again only after 3600 s)?$/);
    expect(it.service.requests).toHaveLength(1);
  });

  it("makes nothing transient that a wait does not mend", async () => {
    await using it = await opened([{ end: { code: 7, trailers: pushback("1") } }]);
    expect(await failureOf(rangesOf(it.stream))).toMatchObject({ reason: "PermissionDenied", kind: "terminal" });
  });
});
