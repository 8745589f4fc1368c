import { readFile, stat, truncate } from "node:fs/promises";
import { join } from "node:path";
import { status } from "@grpc/grpc-js";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import * as csi from "../../../gen/csi/v1/csi.ts";
import { type DevDriver, type DevDriverOptions, startDevDriver } from "../driver.ts";
import {
  blockCapability,
  DriverClient,
  devicePath,
  filesOf,
  type TestFolder,
  testFolder,
  writeTo,
} from "../testing/harness.ts";

const MiB = 1n << 20n;
const service = csi.ControllerService;
const mount: csi.VolumeCapability = {
  accessType: { $case: "mount", value: { fsType: "ext4", mountFlags: [], volumeMountGroup: "" } },
  accessMode: { mode: 1 },
};
const mode = (value: csi.VolumeCapability_AccessMode_Mode): csi.VolumeCapability => ({
  ...blockCapability,
  accessMode: { mode: value },
});
const range = (requiredBytes: bigint, limitBytes = 0n): { capacityRange: csi.CapacityRange } => ({
  capacityRange: { requiredBytes, limitBytes },
});
const fromSnapshot = (snapshotId: string): Pick<csi.CreateVolumeRequest, "volumeContentSource"> => ({
  volumeContentSource: { type: { $case: "snapshot", value: { snapshotId } } },
});
const fromVolume = (volumeId: string): Pick<csi.CreateVolumeRequest, "volumeContentSource"> => ({
  volumeContentSource: { type: { $case: "volume", value: { volumeId } } },
});

let folder: TestFolder;
let driver: DevDriver;
let client: DriverClient;

const start = async (options: Partial<DevDriverOptions> = {}): Promise<void> => {
  driver = await startDevDriver({ endpoint: join(folder.path, "s"), stateDir: join(folder.path, "state"), ...options });
};

beforeEach(async () => {
  folder = await testFolder();
  await start();
  client = new DriverClient(driver.endpoint);
});

afterEach(async () => {
  await client[Symbol.asyncDispose]();
  await driver.close();
  await folder[Symbol.asyncDispose]();
});

const deleteVolume = (volumeId: string): Promise<csi.DeleteVolumeResponse> =>
  client.connection.call(service.deleteVolume, csi.DeleteVolumeRequest.fromPartial({ volumeId }));
const deleteSnapshot = (snapshotId: string): Promise<csi.DeleteSnapshotResponse> =>
  client.connection.call(service.deleteSnapshot, csi.DeleteSnapshotRequest.fromPartial({ snapshotId }));
const listVolumes = (maxEntries = 0, startingToken = ""): Promise<csi.ListVolumesResponse> =>
  client.connection.call(service.listVolumes, { maxEntries, startingToken });
const listSnapshots = (request: Partial<csi.ListSnapshotsRequest> = {}): Promise<csi.ListSnapshotsResponse> =>
  client.connection.call(service.listSnapshots, csi.ListSnapshotsRequest.fromPartial(request));
const expand = (
  volumeId: string,
  requiredBytes: bigint,
  limitBytes = 0n,
): Promise<csi.ControllerExpandVolumeResponse> =>
  client.connection.call(
    service.controllerExpandVolume,
    csi.ControllerExpandVolumeRequest.fromPartial({ volumeId, ...range(requiredBytes, limitBytes) }),
  );

describe("what the driver says of itself", () => {
  it("is its name and what works", async () => {
    expect(await client.connection.pluginInfo()).toMatchObject({ name: "dev.csi-data-protection.io" });
    expect(await client.connection.probe()).toBe(true);
    const { services, volumeExpansion } = await client.connection.pluginCapabilities();
    expect([[...services], [...volumeExpansion]]).toEqual([[1, 4], [1]]);
    expect([...(await client.connection.controllerCapabilities())].sort((a, b) => a - b)).toEqual([
      1, 3, 4, 5, 6, 7, 9, 12, 15,
    ]);
  });

  it("is UNIMPLEMENTED for the rest", async () => {
    for (const call of [
      () => client.connection.call(service.controllerPublishVolume, csi.ControllerPublishVolumeRequest.fromPartial({})),
      () =>
        client.connection.call(service.controllerUnpublishVolume, csi.ControllerUnpublishVolumeRequest.fromPartial({})),
      () => client.connection.call(service.controllerModifyVolume, csi.ControllerModifyVolumeRequest.fromPartial({})),
      () => client.connection.groupControllerCapabilities(),
    ]) {
      await expect(call()).rejects.toMatchObject({ code: status.UNIMPLEMENTED });
    }
  });
});

describe("CreateVolume", () => {
  it("makes a sparse file of the right size at the published path", async () => {
    const volume = await client.createVolume("a", 100n * MiB + 1n);
    expect(volume.capacityBytes).toBe(100n * MiB + 4096n);
    const found = await stat(devicePath(volume), { bigint: true });
    expect([found.size, found.blocks]).toEqual([volume.capacityBytes, 0n]);
  });

  it.each([
    ["nothing asked", {}, 1024n * MiB],
    ["only a limit", range(0n, 10n * MiB + 5n), 10n * MiB],
    ["exactly the limit", range(8192n, 8192n), 8192n],
  ])("chooses a size: %s", async (_, request, bytes) => {
    const volume = await client.createVolume("a", 0n, request);
    expect(volume.capacityBytes).toBe(bytes);
  });

  it.each<[string, Partial<csi.CreateVolumeRequest>, status, string]>([
    ["no name", { name: "" }, status.INVALID_ARGUMENT, "name is required"],
    ["a long name", { name: "x".repeat(129) }, status.INVALID_ARGUMENT, "name has 129 bytes"],
    ["no capability", { volumeCapabilities: [] }, status.INVALID_ARGUMENT, "volume_capabilities is required"],
    [
      "no access type",
      { volumeCapabilities: [{ ...mount, accessType: undefined }] },
      status.INVALID_ARGUMENT,
      "[0]: access_type",
    ],
    [
      "no access mode",
      { volumeCapabilities: [mount, mode(0)] },
      status.INVALID_ARGUMENT,
      "[1]: access_mode is required",
    ],
    ["an unclaimed mode", { volumeCapabilities: [mode(7)] }, status.INVALID_ARGUMENT, "SINGLE_NODE_MULTI_WRITER"],
    ["a negative size", range(-1n), status.INVALID_ARGUMENT, "required_bytes -1 is negative"],
    ["a negative limit", range(0n, -1n), status.INVALID_ARGUMENT, "limit_bytes -1 is negative"],
    ["more than the limit", range(8192n, 4096n), status.INVALID_ARGUMENT, "larger than limit_bytes"],
    ["a limit between blocks", range(4097n, 8191n), status.OUT_OF_RANGE, "limit_bytes 8191 can not be kept"],
    ["too large", range(1n << 45n), status.OUT_OF_RANGE, "maximum of 17592186044416"],
    ["an unknown parameter", { parameters: { tier: "gold" } }, status.INVALID_ARGUMENT, 'unknown parameter "tier"'],
    ["mutable parameters", { mutableParameters: { iops: "1" } }, status.INVALID_ARGUMENT, "mutable_parameters"],
    ["no kind of source", { volumeContentSource: { type: undefined } }, status.INVALID_ARGUMENT, "type is required"],
    ["no snapshot id", fromSnapshot(""), status.INVALID_ARGUMENT, "snapshot_id is required"],
    ["an unknown snapshot", fromSnapshot("none"), status.NOT_FOUND, 'snapshot "none" does not exist'],
    ["an unknown volume", fromVolume("none"), status.NOT_FOUND, 'volume "none" does not exist'],
  ])("refuses %s and leaves nothing behind", async (_, request, code, details) => {
    const call = client.createVolume("a", MiB, request);
    await expect(call).rejects.toMatchObject({ code, details: expect.stringContaining(details) });
    expect(await filesOf(driver.stateDir)).toEqual([]);
  });

  it("returns the same volume for the same request", async () => {
    const first = await client.createVolume("a", MiB, { parameters: { "csi.storage.k8s.io/pvc/name": "p" } });
    const again = await client.createVolume("a", MiB, { parameters: { "csi.storage.k8s.io/pvc/name": "p" } });
    expect(again).toEqual(first);
    expect(
      (
        await client.createVolume("a", MiB - 1n, {
          ...range(MiB - 1n, 2n * MiB),
          parameters: { "csi.storage.k8s.io/pvc/name": "p" },
        })
      ).volumeId,
    ).toBe(first.volumeId);
  });

  it.each<[string, Partial<csi.CreateVolumeRequest>]>([
    ["a larger size", range(2n * MiB)],
    ["a lower limit", range(4096n, 8192n)],
    ["another access type", { volumeCapabilities: [mount] }],
    ["another source", fromVolume("x")],
    ["other parameters", { parameters: { "csi.storage.k8s.io/pvc/name": "p" } }],
  ])("refuses the same name with %s", async (_, request) => {
    await client.createVolume("a", MiB);
    await expect(client.createVolume("a", MiB, request)).rejects.toMatchObject({ code: status.ALREADY_EXISTS });
  });

  it("makes one volume of many requests at once", async () => {
    const volumes = await Promise.all(Array.from({ length: 20 }, () => client.createVolume("a", MiB)));
    expect(new Set(volumes.map((each) => each.volumeId)).size).toBe(1);
    expect((await listVolumes()).entries).toHaveLength(1);
  });

  it("clones, also into a larger volume, and the two go their own ways", async () => {
    const source = await client.createVolume("a", MiB);
    await writeTo(source, 5000, Buffer.from("data"));
    const clone = await client.createVolume("b", 2n * MiB, fromVolume(source.volumeId));
    expect(clone.contentSource).toMatchObject({ type: { $case: "volume", value: { volumeId: source.volumeId } } });
    await writeTo(source, 5000, Buffer.from("DATA"));
    const bytes = await readFile(devicePath(clone));
    expect([bytes.length, bytes.subarray(5000, 5004).toString()]).toEqual([2 << 20, "data"]);
    await deleteVolume(source.volumeId);
    expect((await readFile(devicePath(clone))).equals(bytes)).toBe(true);
  });

  it("restores what was there at the cut, at the source's size unless told", async () => {
    const source = await client.createVolume("a", MiB);
    await writeTo(source, 0, Buffer.from("one"));
    const snapshot = await client.createSnapshot("s", source.volumeId);
    await writeTo(source, 0, Buffer.from("two"));
    const restored = await client.restore("b", snapshot.snapshotId);
    expect(restored.capacityBytes).toBe(MiB);
    expect((await readFile(devicePath(restored))).subarray(0, 3).toString()).toBe("one");
    await expect(client.createVolume("c", 4096n, fromSnapshot(snapshot.snapshotId))).rejects.toMatchObject({
      code: status.OUT_OF_RANGE,
      details: expect.stringContaining("1048576 bytes"),
    });
  });
});

describe("DeleteVolume and DeleteSnapshot", () => {
  it("succeed for what is not there, and need an id", async () => {
    expect(await deleteVolume("none")).toEqual({});
    expect(await deleteSnapshot("none")).toEqual({});
    await expect(deleteVolume("")).rejects.toMatchObject({ code: status.INVALID_ARGUMENT });
    await expect(deleteSnapshot("")).rejects.toMatchObject({ code: status.INVALID_ARGUMENT });
  });

  it("leave no file, and free the name", async () => {
    const volume = await client.createVolume("a", MiB);
    const snapshot = await client.createSnapshot("s", volume.volumeId);
    await deleteVolume(volume.volumeId);
    await deleteSnapshot(snapshot.snapshotId);
    expect(await filesOf(driver.stateDir)).toEqual([]);
    expect((await client.createVolume("a", 2n * MiB)).volumeId).not.toBe(volume.volumeId);
  });

  it("keep snapshots of a volume that goes, and they restore", async () => {
    const volume = await client.createVolume("a", MiB);
    await writeTo(volume, 0, Buffer.from("kept"));
    const snapshot = await client.createSnapshot("s", volume.volumeId);
    await deleteVolume(volume.volumeId);
    const restored = await client.restore("b", snapshot.snapshotId);
    expect((await readFile(devicePath(restored))).subarray(0, 4).toString()).toBe("kept");
  });
});

describe("CreateSnapshot", () => {
  it("is ready, has the volume's size and a time, and shows no path", async () => {
    const before = BigInt(Math.floor(Date.now() / 1000));
    const volume = await client.createVolume("a", MiB);
    const snapshot = await client.createSnapshot("s", volume.volumeId);
    expect(snapshot).toMatchObject({
      sizeBytes: MiB,
      readyToUse: true,
      sourceVolumeId: volume.volumeId,
      groupSnapshotId: "",
    });
    expect(snapshot.creationTime?.seconds).toBeGreaterThanOrEqual(before);
    const shown = JSON.stringify([snapshot, await listSnapshots()], (_, value) =>
      typeof value === "bigint" ? `${value}` : value,
    );
    expect(shown).not.toContain(folder.path);
  });

  it("keeps holes", async () => {
    const volume = await client.createVolume("a", 1024n * MiB);
    await writeTo(volume, 900 << 20, Buffer.from("x"));
    const snapshot = await client.createSnapshot("s", volume.volumeId);
    const file = await stat(join(driver.stateDir, "snapshots", `${snapshot.snapshotId}.img`));
    expect([file.size, file.blocks * 512 < 65_536]).toEqual([1 << 30, true]);
  });

  it("takes what lies within the capacity, whatever was written beyond", async () => {
    const volume = await client.createVolume("a", MiB);
    await truncate(devicePath(volume), 3 << 20);
    const snapshot = await client.createSnapshot("s", volume.volumeId);
    expect((await stat(devicePath(await client.restore("b", snapshot.snapshotId)))).size).toBe(1 << 20);
  });

  it("returns the same snapshot for the same request, many at once", async () => {
    const volume = await client.createVolume("a", MiB);
    const made = await Promise.all(Array.from({ length: 10 }, () => client.createSnapshot("s", volume.volumeId)));
    expect(new Set(made.map((each) => each.snapshotId)).size).toBe(1);
    expect((await listSnapshots()).entries).toHaveLength(1);
  });

  it("refuses the same name for another volume, an unknown volume, and missing fields", async () => {
    const [a, b] = [await client.createVolume("a", MiB), await client.createVolume("b", MiB)];
    await client.createSnapshot("s", a.volumeId);
    await expect(client.createSnapshot("s", b.volumeId)).rejects.toMatchObject({ code: status.ALREADY_EXISTS });
    await expect(client.createSnapshot("t", "none")).rejects.toMatchObject({ code: status.NOT_FOUND });
    await expect(client.createSnapshot("", a.volumeId)).rejects.toMatchObject({ details: "name is required" });
    await expect(client.createSnapshot("t", "")).rejects.toMatchObject({ details: "source_volume_id is required" });
    const parameters = { colour: "red" };
    const request = csi.CreateSnapshotRequest.fromPartial({ name: "t", sourceVolumeId: a.volumeId, parameters });
    await expect(client.connection.call(service.createSnapshot, request)).rejects.toMatchObject({
      details: expect.stringContaining('"colour"'),
    });
  });

  it("still returns the snapshot when its volume has gone", async () => {
    const volume = await client.createVolume("a", MiB);
    const first = await client.createSnapshot("s", volume.volumeId);
    await deleteVolume(volume.volumeId);
    expect(await client.createSnapshot("s", volume.volumeId)).toEqual(first);
  });
});

describe("lists", () => {
  it("come in pages that neither repeat nor skip, while others come and go", async () => {
    const ids: string[] = [];
    for (const name of ["a", "b", "c", "d", "e"]) ids.push((await client.createVolume(name, MiB)).volumeId);
    const first = await listVolumes(2);
    expect(first.entries.map((each) => each.volume?.volumeId)).toEqual(ids.slice(0, 2));
    await deleteVolume(ids[1] ?? "");
    await deleteVolume(ids[2] ?? "");
    const extra = await client.createVolume("f", MiB);
    const second = await listVolumes(2, first.nextToken);
    expect(second.entries.map((each) => each.volume?.volumeId)).toEqual(ids.slice(3));
    const last = await listVolumes(2, second.nextToken);
    expect(last.entries.map((each) => each.volume?.volumeId)).toEqual([extra.volumeId]);
    expect(last.nextToken).toBe("");
  });

  it("filter snapshots, and are empty for what is unknown", async () => {
    const [a, b] = [await client.createVolume("a", MiB), await client.createVolume("b", MiB)];
    const one = await client.createSnapshot("1", a.volumeId);
    const two = await client.createSnapshot("2", b.volumeId);
    const three = await client.createSnapshot("3", a.volumeId);
    const ids = async (request: Partial<csi.ListSnapshotsRequest>): Promise<(string | undefined)[]> =>
      (await listSnapshots(request)).entries.map((each) => each.snapshot?.snapshotId);
    expect(await ids({})).toEqual([one, two, three].map((each) => each.snapshotId));
    expect(await ids({ sourceVolumeId: a.volumeId })).toEqual([one, three].map((each) => each.snapshotId));
    expect(await ids({ snapshotId: two.snapshotId })).toEqual([two.snapshotId]);
    expect(await ids({ snapshotId: two.snapshotId, sourceVolumeId: a.volumeId })).toEqual([]);
    expect(await ids({ snapshotId: "none" })).toEqual([]);
    expect(await ids({ sourceVolumeId: "none" })).toEqual([]);
    const page = await listSnapshots({ sourceVolumeId: a.volumeId, maxEntries: 1 });
    const rest = await listSnapshots({ sourceVolumeId: a.volumeId, maxEntries: 1, startingToken: page.nextToken });
    expect([page, rest].map((each) => each.entries[0]?.snapshot?.snapshotId)).toEqual([
      one.snapshotId,
      three.snapshotId,
    ]);
    expect(rest.nextToken).toBe("");
  });

  it("refuse a token that is not theirs and a negative page", async () => {
    for (const token of ["nonsense", "after-", "after-0", "5", "after-99999999999999999"]) {
      await expect(listVolumes(0, token)).rejects.toMatchObject({ code: status.ABORTED });
      await expect(listSnapshots({ startingToken: token })).rejects.toMatchObject({ code: status.ABORTED });
    }
    await expect(listVolumes(-1)).rejects.toMatchObject({ code: status.INVALID_ARGUMENT });
    await expect(listSnapshots({ maxEntries: -1 })).rejects.toMatchObject({ code: status.INVALID_ARGUMENT });
  });
});

describe("single reads", () => {
  it("give what the lists give, or NOT_FOUND", async () => {
    const volume = await client.createVolume("a", MiB);
    const snapshot = await client.createSnapshot("s", volume.volumeId);
    const got = await client.connection.call(service.controllerGetVolume, { volumeId: volume.volumeId });
    expect(got.volume).toEqual(volume);
    const request = csi.GetSnapshotRequest.fromPartial({ snapshotId: snapshot.snapshotId });
    expect((await client.connection.call(service.getSnapshot, request)).snapshot).toEqual(snapshot);
    await expect(client.connection.call(service.controllerGetVolume, { volumeId: "none" })).rejects.toMatchObject({
      code: status.NOT_FOUND,
    });
    const unknown = csi.GetSnapshotRequest.fromPartial({ snapshotId: "none" });
    await expect(client.connection.call(service.getSnapshot, unknown)).rejects.toMatchObject({
      code: status.NOT_FOUND,
    });
  });

  it("tell how much space there is", async () => {
    const capacity = await client.connection.call(service.getCapacity, csi.GetCapacityRequest.fromPartial({}));
    expect(capacity.availableCapacity).toBeGreaterThan(0n);
    expect(capacity).toMatchObject({ minimumVolumeSize: 4096n, maximumVolumeSize: 1n << 44n });
    const none = csi.GetCapacityRequest.fromPartial({ volumeCapabilities: [mode(6)] });
    expect((await client.connection.call(service.getCapacity, none)).availableCapacity).toBe(0n);
  });
});

describe("ValidateVolumeCapabilities", () => {
  const validate = (volumeId: string, volumeCapabilities: csi.VolumeCapability[]) =>
    client.connection.call(
      service.validateVolumeCapabilities,
      csi.ValidateVolumeCapabilitiesRequest.fromPartial({ volumeId, volumeCapabilities, volumeContext: { a: "b" } }),
    );

  it("confirms what the volume was made for, and says what does not fit", async () => {
    const { volumeId } = await client.createVolume("a", MiB);
    expect((await validate(volumeId, [blockCapability, mode(5)])).confirmed).toMatchObject({
      volumeContext: { a: "b" },
    });
    const misfit = await validate(volumeId, [mount]);
    expect(misfit).toEqual({ confirmed: undefined, message: "the volume was made for block, not mount" });
    expect((await validate(volumeId, [mode(7)])).message).toContain("[0]: access_mode 7");
  });

  it("refuses missing fields and unknown volumes", async () => {
    const { volumeId } = await client.createVolume("a", MiB);
    await expect(validate("", [mount])).rejects.toMatchObject({ code: status.INVALID_ARGUMENT });
    await expect(validate(volumeId, [])).rejects.toMatchObject({ code: status.INVALID_ARGUMENT });
    await expect(validate("none", [mount])).rejects.toMatchObject({ code: status.NOT_FOUND });
  });
});

describe("ControllerExpandVolume", () => {
  it("grows the device in place and keeps its data", async () => {
    const volume = await client.createVolume("a", MiB);
    await writeTo(volume, 0, Buffer.from("kept"));
    expect(await expand(volume.volumeId, 3n * MiB + 1n)).toEqual({
      capacityBytes: 3n * MiB + 4096n,
      nodeExpansionRequired: false,
    });
    const bytes = await readFile(devicePath(volume));
    expect([BigInt(bytes.length), bytes.subarray(0, 4).toString()]).toEqual([3n * MiB + 4096n, "kept"]);
    expect((await expand(volume.volumeId, 2n * MiB)).capacityBytes).toBe(3n * MiB + 4096n);
  });

  it("refuses what can not be", async () => {
    const { volumeId } = await client.createVolume("a", 2n * MiB);
    await expect(expand("none", MiB)).rejects.toMatchObject({ code: status.NOT_FOUND });
    await expect(expand("", MiB)).rejects.toMatchObject({ code: status.INVALID_ARGUMENT });
    await expect(expand(volumeId, 0n, MiB)).rejects.toMatchObject({ code: status.OUT_OF_RANGE });
    await expect(expand(volumeId, 1n << 50n)).rejects.toMatchObject({ code: status.OUT_OF_RANGE });
    const without = csi.ControllerExpandVolumeRequest.fromPartial({ volumeId });
    await expect(client.connection.call(service.controllerExpandVolume, without)).rejects.toMatchObject({
      details: "capacity_range is required",
    });
  });
});
