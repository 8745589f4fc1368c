import { createServer } from "node:net";
import { beforeAll, describe, expect, it } from "vitest";
import { ApiError } from "../../kube/client/index.ts";
import { makeServerCertificate, type ServerCertificate } from "../../runtime/certificates/index.ts";
import { manualClock } from "../../runtime/timing/index.ts";
import { anApi, collect, type FakeApi, failureOf, openedOn, rangesOf } from "./fake-api.ts";
import { aMessage, type Script, testService } from "./metadata-service.ts";
import { openMetadata } from "./open.ts";
import type { MetadataOptions } from "./options.ts";

const block = 4096;
const unavailable = { code: 14, details: "the driver went away" };
let certificate: ServerCertificate;
let stranger: ServerCertificate;
const opened = (scripts: readonly Script[], change: Partial<MetadataOptions> = {}) =>
  openedOn(certificate, scripts, change);

beforeAll(async () => {
  certificate = await makeServerCertificate(["127.0.0.1", "metadata.csi-driver.svc"]);
  stranger = await makeServerCertificate(["127.0.0.1"]);
});

describe("a stream", () => {
  it("gives records in order, with offsets beyond 2^53, and is complete after OK", async () => {
    const far = (1n << 53n) + 1n;
    const big = { capacity: 1n << 60n };
    await using it = await opened([
      { messages: [aMessage([[0, block]], big), aMessage([], big), aMessage([[far, block]], big)] },
    ]);
    const records = await collect(it.stream);
    expect(records.map(({ number }) => number)).toEqual([1, 2, 3]);
    expect(records[2]?.ranges).toEqual([{ byteOffset: far, sizeBytes: 4096n }]);
    expect(it.stream.progress).toMatchObject({ messages: 3, ranges: 2, rangeBytes: 8192n, complete: true, resumes: 0 });
    expect(it.stream.progress.wireBytes).toBeGreaterThan(20);
  });

  it("asks for allocated ranges with a token of the caller's own ServiceAccount", async () => {
    await using it = await opened([{}], { startingOffset: 8192n, maxResults: 7 });
    expect(await rangesOf(it.stream)).toEqual([]);
    const asked = {
      method: "allocated",
      namespace: "shop",
      snapshotName: "tuesday",
      startingOffset: 8192n,
      maxResults: 7,
    };
    expect(it.service.requests).toEqual([expect.objectContaining({ ...asked, securityToken: "secret-1" })]);
    expect(it.api.tokenRequests).toEqual([{ name: "backup", spec: { audiences: ["cbt"], expirationSeconds: 600 } }]);
  });

  it.each([
    ["a name is resolved to its handle", { previousSnapshotName: "monday" }, "handle-monday"],
    ["a handle wins over a name", { previousSnapshotName: "monday", previousSnapshotId: "given" }, "given"],
  ])("asks for a delta: %s", async (_, previous, baseSnapshotId) => {
    await using it = await opened([{}], previous);
    await rangesOf(it.stream);
    expect(it.service.requests[0]).toMatchObject({ method: "delta", baseSnapshotId, targetSnapshotName: "tuesday" });
    expect(it.stream.target).toMatchObject({ snapshotHandle: "handle-tuesday", baseHandle: baseSnapshotId });
  });

  it("slows the service when nobody pulls", async () => {
    const many = Array.from({ length: 2000 }, (_, n) =>
      aMessage(
        Array.from({ length: 256 }, (__, at) => [(n * 256 + at) * block, block]),
        { capacity: 1n << 40n },
      ),
    );
    await using it = await opened([{ messages: many }]);
    const records = it.stream[Symbol.asyncIterator]();
    await records.next();
    let before = -1;
    while (before !== it.service.written) {
      before = it.service.written;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    expect(it.service.written).toBeLessThan(1500);
    let rest = 1;
    while (!(await records.next()).done) rest += 1;
    expect(rest).toBe(2000);
  });

  it("ends, and ends the call, when the consumer leaves", async () => {
    await using it = await opened([{ messages: [aMessage([[0, block]])], end: "hang" }]);
    for await (const _ of it.stream) break;
    await expect.poll(() => it.service.cancelled).toBe(1);
    expect(it.stream.progress.complete).toBe(false);
  });

  it("stops when the caller's signal aborts", async () => {
    const stopping = new AbortController();
    await using it = await opened([{ messages: [aMessage([[0, block]])], end: "hang" }], { signal: stopping.signal });
    const failure = await failureOf(
      (async () => {
        for await (const _ of it.stream) stopping.abort(new Error("enough"));
      })(),
    );
    expect(failure).toMatchObject({ reason: "Cancelled", message: expect.stringContaining("enough") });
    await expect.poll(() => it.service.cancelled).toBe(1);
  });
});

describe("a broken stream", () => {
  it.each([
    ["UNAVAILABLE", 14],
    ["DEADLINE_EXCEEDED", 4],
  ])("is taken up after the last range with a fresh token: %s", async (_, code) => {
    const scripts = [
      {
        messages: [
          aMessage([
            [0, block],
            [8192, block],
          ]),
        ],
        end: { code },
      },
      { messages: [aMessage([[16384, block]])] },
    ];
    await using it = await opened(scripts);
    expect(await rangesOf(it.stream)).toEqual([
      [0n, 4096n],
      [8192n, 4096n],
      [16384n, 4096n],
    ]);
    expect(it.service.requests.map((each) => [each.startingOffset, each.securityToken])).toEqual([
      [0n, "secret-1"],
      [12288n, "secret-2"],
    ]);
    expect(it.stream.progress).toMatchObject({ resumes: 1, complete: true });
  });

  it("is taken up when the connection is cut", async () => {
    await using it = await opened([
      { messages: [aMessage([[0, block]])], end: "hang" },
      { messages: [aMessage([[block, block]])] },
    ]);
    const seen: bigint[] = [];
    for await (const { byteOffset } of it.stream.ranges()) {
      seen.push(byteOffset);
      if (seen.length === 1) it.service.cut();
    }
    expect(seen).toEqual([0n, 4096n]);
    expect(it.service.requests[1]?.startingOffset).toBe(4096n);
  });

  it("gives nothing twice when the service rounds the offset down", async () => {
    const variable = { type: 2 };
    const scripts = [
      { messages: [aMessage([[0, 6000]], variable)], end: unavailable },
      { messages: [aMessage([[4096, 8192]], variable)] },
    ];
    await using it = await opened(scripts);
    expect(await rangesOf(it.stream)).toEqual([
      [0n, 6000n],
      [6000n, 6288n],
    ]);
  });

  it("is complete, and not asked again, when the last range ended at the capacity", async () => {
    const last = aMessage([[2 ** 20 - block, block]]);
    await using it = await opened([
      { messages: [last], end: unavailable },
      { end: { code: 11, details: "out of range" } },
    ]);
    expect(await rangesOf(it.stream)).toHaveLength(1);
    expect(it.service.requests).toHaveLength(1);
    expect(it.stream.progress.complete).toBe(true);
  });

  it.each([
    ["at the offset that was asked for", 2n ** 20n, {}],
    ["of 0", 0n, { capacity: 0n }],
  ])("is not complete because of a capacity %s, as long as no range led there", async (_, startingOffset, told) => {
    const empty = { messages: [aMessage([], told)], end: unavailable };
    await using it = await opened([empty, empty], { startingOffset, resume: { attempts: 2, firstPauseMs: 0 } });
    expect(await failureOf(rangesOf(it.stream))).toMatchObject({ kind: "transient", reason: "Incomplete" });
    expect(it.service.requests).toHaveLength(2);
    expect(it.stream.progress.complete).toBe(false);
  });

  it("is given up after so many attempts without a new range, and says what is known", async () => {
    const scripts = [{ messages: [aMessage([[0, block]])], end: unavailable }, ...Array(9).fill({ end: unavailable })];
    await using it = await opened(scripts, { resume: { attempts: 3, firstPauseMs: 0 } });
    const failure = await failureOf(rangesOf(it.stream));
    expect(failure).toMatchObject({ reason: "Incomplete", code: 14, kind: "transient" });
    expect(failure.message).toContain("only the ranges before byte 4096 are known");
    expect(it.service.requests).toHaveLength(3);
    expect(it.stream.progress.complete).toBe(false);
  });

  it("counts attempts anew after each new range", async () => {
    const scripts = Array.from({ length: 6 }, (_, n) => ({
      messages: [aMessage([[n * block, block]])],
      end: unavailable,
    }));
    await using it = await opened([...scripts, {}], { resume: { attempts: 2, firstPauseMs: 0 } });
    expect(await rangesOf(it.stream)).toHaveLength(6);
  });

  it("waits longer each time, and tells before", async () => {
    const notices: number[] = [];
    const scripts = [...Array(4).fill({ end: unavailable }), {}];
    const resume = { firstPauseMs: 100, longestPauseMs: 300 };
    const clock = manualClock();
    await using it = await opened(scripts, { clock, resume, onResume: ({ pauseMs }) => notices.push(pauseMs) });
    const done = rangesOf(it.stream);
    for (const pause of [100, 200, 300, 300]) {
      await clock.sleepers(1);
      await clock.advance(pause);
    }
    await done;
    expect(notices).toEqual([100, 200, 300, 300]);
  });
});

describe("a refusal", () => {
  it.each([
    [16, "Unauthenticated"],
    [7, "PermissionDenied"],
    [5, "NotFound"],
    [3, "InvalidArgument"],
    [11, "OutOfRange"],
    [9, "FailedPrecondition"],
    [13, "ServerError"],
  ])("code %i is %s, at once", async (code, reason) => {
    await using it = await opened([{ end: { code, details: "because of secret-1" } }]);
    const failure = await failureOf(rangesOf(it.stream));
    expect(failure).toMatchObject({ reason, code, kind: "terminal" });
    expect(failure.message).toContain("because of [token]");
    expect(it.service.requests).toHaveLength(1);
  });

  it("a certificate of another authority is TlsFailed, at once, and no token leaves", async () => {
    await using service = await testService(certificate, [{}]);
    const api = anApi(service.address, stranger.caPem);
    await using stream = await openMetadata({ api, namespace: "shop", snapshotName: "tuesday" });
    expect(await failureOf(rangesOf(stream))).toMatchObject({ reason: "TlsFailed", kind: "terminal" });
    expect(service.requests).toHaveLength(0);
  });

  it("a certificate for another name is TlsFailed, unless that name is expected", async () => {
    await using service = await testService(certificate, [{}]);
    const api = anApi("metadata.csi-driver.svc:6443", certificate.caPem);
    const options = { api, namespace: "shop", snapshotName: "tuesday", address: service.address };
    await using wrong = await openMetadata({ ...options, serverName: "other.svc" });
    expect(await failureOf(rangesOf(wrong))).toMatchObject({ reason: "TlsFailed" });
    await using right = await openMetadata({ ...options, serverName: "metadata.csi-driver.svc" });
    expect(await rangesOf(right)).toEqual([]);
  });

  it("nobody listening is Unavailable after the attempts, with their number", async () => {
    const free = createServer().listen(0, "127.0.0.1");
    await new Promise((resolve) => free.once("listening", resolve));
    const { port } = free.address() as { port: number };
    await new Promise((resolve) => free.close(resolve));
    const resume = { attempts: 2, firstPauseMs: 0 };
    await using stream = await openMetadata({
      api: anApi(`127.0.0.1:${port}`, certificate.caPem),
      namespace: "shop",
      snapshotName: "tuesday",
      resume,
    });
    const failure = await failureOf(rangesOf(stream));
    expect(failure).toMatchObject({ reason: "Unavailable" });
    expect(failure.message).toContain("(2 attempts)");
  });

  it("a token that is refused ends it; one that can not be had now is tried again", async () => {
    await using it = await opened([{}], { resume: { attempts: 2, firstPauseMs: 0 } });
    const answer = { reason: "", message: "no", method: "POST", path: "/" };
    it.api.tokenError = new ApiError({ ...answer, status: 503 });
    const failure = failureOf(rangesOf(it.stream));
    expect(await failure).toMatchObject({ reason: "ApiUnavailable" });
    await using again = await opened([{}]);
    again.api.tokenError = new ApiError({ ...answer, status: 403 });
    expect(await failureOf(rangesOf(again.stream))).toMatchObject({ reason: "TokenRefused", kind: "terminal" });
  });
});

describe("finding the service", () => {
  it.each<[string, (api: FakeApi) => void, string, Partial<MetadataOptions>?]>([
    ["no such snapshot", (api) => api.objects.delete("VolumeSnapshot/shop/tuesday"), "SnapshotNotFound"],
    ["not bound", (api) => api.put("VolumeSnapshot", "shop", "tuesday", {}), "SnapshotNotReady"],
    [
      "not ready",
      (api) =>
        api.put("VolumeSnapshot", "shop", "tuesday", {
          status: { boundVolumeSnapshotContentName: "content-tuesday", readyToUse: false },
        }),
      "SnapshotNotReady",
    ],
    ["no content", (api) => api.objects.delete("VolumeSnapshotContent//content-tuesday"), "ContentNotFound"],
    [
      "content of an older snapshot of that name",
      (api) =>
        api.put("VolumeSnapshotContent", "", "content-tuesday", {
          spec: { driver: "dev", volumeSnapshotRef: { namespace: "shop", name: "tuesday", uid: "older" } },
        }),
      "ContentMismatch",
    ],
    [
      "content of another name, without uid",
      (api) =>
        api.put("VolumeSnapshotContent", "", "content-tuesday", {
          spec: { driver: "dev", volumeSnapshotRef: { namespace: "shop", name: "sunday" } },
        }),
      "ContentMismatch",
    ],
    [
      "no handle of the earlier one",
      (api) =>
        api.put("VolumeSnapshotContent", "", "content-monday", {
          spec: { driver: "dev", volumeSnapshotRef: { namespace: "shop", name: "monday" } },
        }),
      "BaseUnavailable",
      { previousSnapshotName: "monday" },
    ],
    ["no service", (api) => api.objects.delete("SnapshotMetadataService//dev"), "ServiceNotFound"],
    [
      "no audience",
      (api) => api.put("SnapshotMetadataService", "", "dev", { spec: { audience: "", address: "a:1", caCert: "" } }),
      "ServiceInvalid",
    ],
    [
      "address without port",
      (api) => api.put("SnapshotMetadataService", "", "dev", { spec: { audience: "a", address: "host", caCert: "" } }),
      "ServiceInvalid",
    ],
    [
      "CA not PEM",
      (api) =>
        api.put("SnapshotMetadataService", "", "dev", { spec: { audience: "a", address: "a:1", caCert: "eHh4" } }),
      "ServiceInvalid",
    ],
    ["negative offset", () => {}, "InvalidRequest", { startingOffset: -1n }],
    ["an offset beyond int64", () => {}, "InvalidRequest", { startingOffset: 1n << 63n }],
    ["negative max results", () => {}, "InvalidRequest", { maxResults: -1 }],
    ["half a ServiceAccount", () => {}, "InvalidRequest", { serviceAccount: { namespace: "", name: "backup" } }],
    ["no snapshot named", () => {}, "InvalidRequest", { snapshotName: "" }],
  ])("%s", async (_, spoil, reason, change = {}) => {
    const api = anApi("127.0.0.1:1", certificate.caPem);
    spoil(api);
    const failure = await failureOf(openMetadata({ api, namespace: "shop", snapshotName: "tuesday", ...change }));
    expect(failure).toMatchObject({ name: "Failure", reason });
  });
});
