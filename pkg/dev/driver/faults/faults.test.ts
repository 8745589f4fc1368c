import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { status } from "@grpc/grpc-js";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  ControllerService,
  DeleteVolumeRequest,
  GetSnapshotRequest,
  SnapshotMetadataService,
} from "../../../gen/csi/v1/csi.ts";
import { type DevDriver, startDevDriver } from "../driver.ts";
import { DriverClient, inUnits, type Metadata, type TestFolder, testFolder, writeTo } from "../testing/harness.ts";
import type { Corruption, Fault } from "./fault-plan.ts";

const block = 4096;

let folder: TestFolder;
let driver: DevDriver;
let client: DriverClient;

beforeEach(async () => {
  folder = await testFolder();
  driver = await startDevDriver({ endpoint: join(folder.path, "s"), stateDir: join(folder.path, "state") });
  client = new DriverClient(driver.endpoint);
});

afterEach(async () => {
  await client[Symbol.asyncDispose]();
  await driver.close();
  await folder[Symbol.asyncDispose]();
});

/** A snapshot with data in blocks 0 to 9. */
const snapshotted = async (): Promise<string> => {
  const volume = await client.createVolume("v", 1n << 20n);
  await writeTo(volume, 0, Buffer.alloc(10 * block, 1));
  return (await client.createSnapshot("s", volume.volumeId)).snapshotId;
};

const probe = (): Promise<boolean> => client.connection.probe({ timeoutMs: 300, waitForReady: true });

describe("faults of any call", () => {
  it("fail it with a code and a message, so often as they say, then no more", async () => {
    await driver.setFaults({ Probe: { code: "UNAVAILABLE", message: "backend away", times: 2 } });
    await expect(probe()).rejects.toMatchObject({ code: status.UNAVAILABLE, details: "backend away" });
    await expect(probe()).rejects.toMatchObject({ code: status.UNAVAILABLE });
    expect(await probe()).toBe(true);
  });

  it("make it hang, late, or not ready", async () => {
    await driver.setFaults({ Probe: { hang: true } });
    await expect(probe()).rejects.toMatchObject({ code: status.DEADLINE_EXCEEDED });
    await driver.setFaults({ Probe: { delayMs: 3_600_000 } });
    await expect(probe()).rejects.toMatchObject({ code: status.DEADLINE_EXCEEDED });
    await driver.setFaults({ Probe: { notReady: true } });
    expect(await probe()).toBe(false);
  });

  it("cut the connection", async () => {
    expect(await probe()).toBe(true);
    await driver.setFaults({ Probe: { dropConnection: true, times: 1 } });
    await expect(probe()).rejects.toMatchObject({ code: status.UNAVAILABLE });
    expect(await probe()).toBe(true);
  });

  it("lose only the answer, after the work", async () => {
    await driver.setFaults({ CreateVolume: { code: "UNAVAILABLE", afterWork: true, times: 1 } });
    await expect(client.createVolume("v", 4096n)).rejects.toMatchObject({ code: status.UNAVAILABLE });
    const list = await client.connection.call(ControllerService.listVolumes, { maxEntries: 0, startingToken: "" });
    expect(list.entries).toHaveLength(1);
    expect((await client.createVolume("v", 4096n)).volumeId).toBe(list.entries[0]?.volume?.volumeId);
  });

  it("keep a snapshot from being ready", async () => {
    const snapshotId = await snapshotted();
    await driver.setFaults({ GetSnapshot: { notReady: true } });
    const request = GetSnapshotRequest.fromPartial({ snapshotId });
    expect((await client.connection.call(ControllerService.getSnapshot, request)).snapshot?.readyToUse).toBe(false);
  });

  it("come from the file, also for every RPC at once, and a mistake in it is told", async () => {
    const file = join(driver.stateDir, "faults.json");
    await writeFile(file, JSON.stringify({ "*": { code: "INTERNAL" }, Probe: {} }));
    expect(await probe()).toBe(true);
    await expect(client.connection.pluginInfo()).rejects.toMatchObject({
      code: status.INTERNAL,
      details: "injected fault",
    });
    for (const wrong of ["{", '{"Probe":{"codes":"X"}}', '{"Prob":{}}', '{"Probe":{"code":"NOPE"}}']) {
      await writeFile(file, wrong);
      await expect(probe()).rejects.toMatchObject({ details: expect.stringContaining("faults.json can not be used") });
    }
    await driver.setFaults({});
    expect(await probe()).toBe(true);
  });

  it("do not survive their removal, but do survive a restart", async () => {
    await driver.setFaults({ Probe: { notReady: true } });
    await driver.close();
    driver = await startDevDriver({ endpoint: driver.endpoint, stateDir: driver.stateDir });
    expect(await probe()).toBe(false);
  });
});

describe("faults of a stream", () => {
  it.each<[string, Fault, status]>([
    ["fail", { code: "DATA_LOSS" }, status.DATA_LOSS],
    ["drop the connection", { dropConnection: true }, status.UNAVAILABLE],
  ])("%s after so many messages", async (_, fault, code) => {
    const snapshotId = await snapshotted();
    await driver.setFaults({ GetMetadataAllocated: { ...fault, afterMessages: 2 } });
    await expect(client.allocated({ snapshotId, maxResults: 3 })).rejects.toMatchObject({ code });
  });

  it("deliver the messages before the failure", async () => {
    const snapshotId = await snapshotted();
    await driver.setFaults({ GetMetadataAllocated: { code: "DATA_LOSS", afterMessages: 3 } });
    const got: Buffer[] = [];
    const method = SnapshotMetadataService.getMetadataAllocated;
    const request = method.requestSerialize({ snapshotId, startingOffset: 0n, maxResults: 1, secrets: {} });
    const stream = client.connection.openStream(method.path, request);
    stream.on("data", (bytes: Buffer) => got.push(bytes));
    const ended = await new Promise((resolve) => stream.once("error", resolve));
    expect([got.length, (ended as { code: number }).code]).toEqual([3, status.DATA_LOSS]);
  });

  const offsets = (metadata: Metadata): number[] => inUnits(metadata.tuples, block).map(([at]) => at);
  const broken = async (corrupt: Corruption, atTuple: number, startingOffset = 0n): Promise<Metadata> => {
    const snapshotId = await snapshotted();
    await driver.setFaults({ GetMetadataAllocated: { corrupt, atTuple } });
    return await client.allocated({ snapshotId, startingOffset, maxResults: 4 });
  };

  it("drop one tuple", async () => {
    expect(offsets(await broken("drop-tuple", 5))).toEqual([0, 1, 2, 3, 4, 6, 7, 8, 9]);
  });

  it("go back in order", async () => {
    expect(offsets(await broken("wrong-order", 4))).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 3, 8, 9]);
  });

  it("overlap", async () => {
    expect(offsets(await broken("overlap", 4))).toEqual([0, 1, 2, 3, 3.5, 5, 6, 7, 8, 9]);
  });

  it("have no size, or too much", async () => {
    const sizes = (metadata: Metadata): bigint[] => metadata.tuples.map((each) => each.sizeBytes);
    expect(sizes(await broken("zero-size", 2))[2]).toBe(0n);
    expect(sizes(await broken("beyond-capacity", 9))[9]).toBe(1n << 20n);
  });

  it("begin before the start", async () => {
    expect(offsets(await broken("before-start", 0, BigInt(7 * block)))).toEqual([0, 7, 8, 9]);
  });

  it("change the type, or the capacity, half-way", async () => {
    const types = (await broken("wrong-type", 5)).messages.map((each) => [
      each.blockMetadataType,
      each.blockMetadata.length,
    ]);
    expect(types).toEqual([
      [1, 4],
      [1, 1],
      [2, 3],
      [2, 2],
    ]);
    const capacities = (await broken("capacity-change", 4)).messages.map((each) => each.volumeCapacityBytes);
    expect(capacities).toEqual([1n << 20n, (1n << 20n) + 4096n, (1n << 20n) + 4096n]);
  });

  it("leave a stream alone that ends before the tuple", async () => {
    expect(offsets(await broken("drop-tuple", 10))).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });
});

describe("a required secret", () => {
  it("is asked of every call that has secrets, and never shown", async () => {
    await driver.close();
    const requireSecret = { name: "key", value: "canary-4711" };
    driver = await startDevDriver({ endpoint: driver.endpoint, stateDir: driver.stateDir, requireSecret });
    const remove = (secrets: Record<string, string>): Promise<unknown> =>
      client.connection.call(
        ControllerService.deleteVolume,
        DeleteVolumeRequest.fromPartial({ volumeId: "none", secrets }),
        { waitForReady: true },
      );
    await expect(remove({})).rejects.toMatchObject({
      code: status.UNAUTHENTICATED,
      details: 'secrets: "key" is missing',
    });
    const wrong = await remove({ key: "other" }).catch((thrown: unknown) => thrown);
    expect(wrong).toMatchObject({ code: status.UNAUTHENTICATED });
    expect(String(wrong)).not.toMatch(/canary|other/);
    expect(await remove({ key: "canary-4711" })).toEqual({});
    await expect(client.allocated({ snapshotId: "x" })).rejects.toMatchObject({ code: status.UNAUTHENTICATED });
    expect(await probe()).toBe(true);
  });
});
