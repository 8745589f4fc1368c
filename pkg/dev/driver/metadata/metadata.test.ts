import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { status } from "@grpc/grpc-js";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  ControllerExpandVolumeRequest,
  ControllerService,
  DeleteSnapshotRequest,
  DeleteVolumeRequest,
  GetMetadataAllocatedRequest,
  SnapshotMetadataService,
  type Volume,
} from "../../../gen/csi/v1/csi.ts";
import { type DevDriver, type DevDriverOptions, startDevDriver } from "../driver.ts";
import { DriverClient, devicePath, inUnits, type TestFolder, testFolder, writeTo } from "../testing/harness.ts";

const block = 4096;
const MiB = 1024 * 1024;
const filled = (value: number, blocks = 1): Buffer => Buffer.alloc(blocks * block, value);

let folder: TestFolder;
let driver: DevDriver;
let client: DriverClient;

const start = async (options: Partial<DevDriverOptions> = {}): Promise<void> => {
  driver = await startDevDriver({ endpoint: join(folder.path, "s"), stateDir: join(folder.path, "state"), ...options });
  client ??= new DriverClient(driver.endpoint);
};

const restart = async (options: Partial<DevDriverOptions>): Promise<void> => {
  await driver.close();
  await start(options);
};

/** A volume of 4 MiB with data in blocks 0, 1, 2 and 9, and a snapshot of it. */
const prepared = async (): Promise<{ volume: Volume; base: string }> => {
  const volume = await client.createVolume("v", BigInt(4 * MiB));
  await writeTo(volume, 0, filled(1, 3));
  await writeTo(volume, 9 * block + 100, Buffer.of(7));
  return { volume, base: (await client.createSnapshot("base", volume.volumeId)).snapshotId };
};

beforeEach(async () => {
  folder = await testFolder();
  await start();
});

afterEach(async () => {
  await client[Symbol.asyncDispose]();
  client = undefined as unknown as DriverClient;
  await driver.close();
  await folder[Symbol.asyncDispose]();
});

describe("allocated", () => {
  it("names each block that holds data, at one length", async () => {
    const { base } = await prepared();
    const { messages, tuples } = await client.allocated({ snapshotId: base });
    expect(inUnits(tuples, block)).toEqual([
      [0, 1],
      [1, 1],
      [2, 1],
      [9, 1],
    ]);
    expect(messages).toMatchObject([{ blockMetadataType: 1, volumeCapacityBytes: BigInt(4 * MiB) }]);
  });

  it("joins neighbours at varying lengths, across chunks and messages", async () => {
    await restart({ blockType: "VARIABLE_LENGTH" });
    const { volume } = await prepared();
    await writeTo(volume, MiB - 2 * block, filled(5, 4));
    const { snapshotId } = await client.createSnapshot("two", volume.volumeId);
    const { messages, tuples } = await client.allocated({ snapshotId, maxResults: 1 });
    expect(inUnits(tuples, block)).toEqual([
      [0, 3],
      [9, 1],
      [254, 4],
    ]);
    expect(messages.map((each) => each.blockMetadata.length)).toEqual([1, 1, 1]);
    expect(messages.every((each) => each.blockMetadataType === 2)).toBe(true);
  });

  it("is empty, and complete, for a volume without data", async () => {
    const volume = await client.createVolume("empty", BigInt(MiB));
    const { snapshotId } = await client.createSnapshot("s", volume.volumeId);
    expect(await client.allocated({ snapshotId })).toEqual({ messages: [], tuples: [] });
  });

  it("leaves out zeros that were written, but the delta tells of them", async () => {
    const { volume, base } = await prepared();
    await writeTo(volume, block, filled(0));
    const { snapshotId } = await client.createSnapshot("zeroed", volume.volumeId);
    expect(inUnits((await client.allocated({ snapshotId })).tuples, block)).toEqual([
      [0, 1],
      [2, 1],
      [9, 1],
    ]);
    const delta = await client.delta({ baseSnapshotId: base, targetSnapshotId: snapshotId });
    expect(inUnits(delta.tuples, block)).toEqual([[1, 1]]);
  });

  it("keeps the size of a message: 256 tuples, or what was asked for", async () => {
    const volume = await client.createVolume("v", BigInt(4 * MiB));
    await writeTo(volume, 0, filled(1, 600));
    const { snapshotId } = await client.createSnapshot("s", volume.volumeId);
    const sizes = async (maxResults: number): Promise<number[]> =>
      (await client.allocated({ snapshotId, maxResults })).messages.map((each) => each.blockMetadata.length);
    expect(await sizes(0)).toEqual([256, 256, 88]);
    expect(await sizes(500)).toEqual([500, 100]);
    expect(await sizes(100_000)).toEqual([600]);
  });
});

describe("starting_offset", () => {
  it.each([
    [0, [0, 1, 2, 9]],
    [1, [0, 1, 2, 9]],
    [block - 1, [0, 1, 2, 9]],
    [block, [1, 2, 9]],
    [3 * block, [9]],
    [9 * block + 1, [9]],
    [10 * block, []],
    [4 * MiB, []],
  ])("%d begins with the block that holds it, in both methods", async (offset, blocks) => {
    const { volume, base } = await prepared();
    const startingOffset = BigInt(offset);
    const allocated = await client.allocated({ snapshotId: base, startingOffset });
    expect(inUnits(allocated.tuples, block).map(([at]) => at)).toEqual(blocks);
    // Every block that had data changes, so that both methods must agree.
    await writeTo(volume, 0, filled(9, 3));
    await writeTo(volume, 9 * block, filled(9));
    const { snapshotId } = await client.createSnapshot("target", volume.volumeId);
    const delta = await client.delta({ baseSnapshotId: base, targetSnapshotId: snapshotId, startingOffset });
    expect(inUnits(delta.tuples, block).map(([at]) => at)).toEqual(blocks);
  });

  it("resumes without gap or repetition", async () => {
    const volume = await client.createVolume("v", BigInt(4 * MiB));
    for (let at = 0; at < 1024; at += 3) await writeTo(volume, at * block, filled(1));
    const { snapshotId } = await client.createSnapshot("s", volume.volumeId);
    const whole = await client.allocated({ snapshotId });
    const cut = whole.tuples[200];
    const end = (cut?.byteOffset ?? 0n) + (cut?.sizeBytes ?? 0n);
    const rest = await client.allocated({ snapshotId, startingOffset: end });
    expect([...whole.tuples.slice(0, 201), ...rest.tuples]).toEqual(whole.tuples);
  });
});

describe("refusals", () => {
  it.each([
    [{ snapshotId: "" }, status.INVALID_ARGUMENT, "snapshot_id is required"],
    [{ snapshotId: "nothing" }, status.NOT_FOUND, "does not exist"],
    [{ startingOffset: -1n }, status.OUT_OF_RANGE, "starting_offset -1 is negative"],
    [{ startingOffset: BigInt(4 * MiB) + 1n }, status.OUT_OF_RANGE, "beyond the snapshot, which has 4194304 bytes"],
    [{ startingOffset: 1n << 62n }, status.OUT_OF_RANGE, "beyond the snapshot"],
    [{ maxResults: -1 }, status.INVALID_ARGUMENT, "max_results -1 is negative"],
  ])("allocated %o", async (request, code, details) => {
    const { base } = await prepared();
    const call = client.allocated({ snapshotId: base, ...request });
    await expect(call).rejects.toMatchObject({ code, details: expect.stringContaining(details) });
  });

  it.each([
    [{ baseSnapshotId: "" }, status.INVALID_ARGUMENT, "base_snapshot_id is required"],
    [{ targetSnapshotId: "" }, status.INVALID_ARGUMENT, "target_snapshot_id is required"],
    [{ baseSnapshotId: "nothing" }, status.NOT_FOUND, "base_snapshot_id: snapshot"],
    [{ targetSnapshotId: "nothing" }, status.NOT_FOUND, "target_snapshot_id: snapshot"],
    [{ startingOffset: -1n }, status.OUT_OF_RANGE, "negative"],
    [{ startingOffset: BigInt(4 * MiB) + 1n }, status.OUT_OF_RANGE, "beyond the snapshot"],
    [{ maxResults: -5 }, status.INVALID_ARGUMENT, "max_results -5 is negative"],
  ])("delta %o", async (request, code, details) => {
    const { base } = await prepared();
    const call = client.delta({ baseSnapshotId: base, targetSnapshotId: base, ...request });
    await expect(call).rejects.toMatchObject({ code, details: expect.stringContaining(details) });
  });

  it("delta of two volumes", async () => {
    const { base } = await prepared();
    const other = await client.createVolume("other", BigInt(4 * MiB));
    const { snapshotId } = await client.createSnapshot("foreign", other.volumeId);
    const call = client.delta({ baseSnapshotId: base, targetSnapshotId: snapshotId });
    await expect(call).rejects.toMatchObject({
      code: status.INVALID_ARGUMENT,
      details: expect.stringContaining("one volume"),
    });
  });
});

describe("delta", () => {
  it("names what differs, and applied to the base gives the target", async () => {
    const { volume, base } = await prepared();
    await writeTo(volume, 2 * block + 1, Buffer.of(8));
    await writeTo(volume, 700 * block, filled(3, 2));
    const { snapshotId } = await client.createSnapshot("target", volume.volumeId);
    const { tuples } = await client.delta({ baseSnapshotId: base, targetSnapshotId: snapshotId });
    expect(inUnits(tuples, block)).toEqual([
      [2, 1],
      [700, 1],
      [701, 1],
    ]);
    const image = await readFile(devicePath(await client.restore("old", base)));
    const target = await readFile(devicePath(await client.restore("new", snapshotId)));
    for (const { byteOffset, sizeBytes } of tuples) {
      target.copy(image, Number(byteOffset), Number(byteOffset), Number(byteOffset + sizeBytes));
    }
    expect(image.equals(target)).toBe(true);
  });

  it("looks where either snapshot has data, and skips what is a hole in both", async () => {
    const volume = await client.createVolume("large", BigInt(512 * MiB));
    await writeTo(volume, 100 * block, filled(1));
    const base = await client.createSnapshot("before", volume.volumeId);
    await writeTo(volume, 100 * block, filled(0));
    await writeTo(volume, 500 * MiB, filled(2));
    const target = await client.createSnapshot("after", volume.volumeId);
    const { tuples } = await client.delta({ baseSnapshotId: base.snapshotId, targetSnapshotId: target.snapshotId });
    expect(inUnits(tuples, block)).toEqual([
      [100, 1],
      [(500 * MiB) / block, 1],
    ]);
    const back = await client.delta({ baseSnapshotId: target.snapshotId, targetSnapshotId: base.snapshotId });
    expect(back.tuples).toEqual(tuples);
  });

  it("accepts snapshots in any order, and finds nothing between equals", async () => {
    const { volume, base } = await prepared();
    await writeTo(volume, 5 * block, filled(1));
    const { snapshotId } = await client.createSnapshot("target", volume.volumeId);
    const back = await client.delta({ baseSnapshotId: snapshotId, targetSnapshotId: base });
    expect(inUnits(back.tuples, block)).toEqual([[5, 1]]);
    expect((await client.delta({ baseSnapshotId: base, targetSnapshotId: base })).messages).toEqual([]);
  });

  it("tells the capacity of the snapshot, not of the volume, and all of what a growth added", async () => {
    const { volume, base } = await prepared();
    await client.connection.call(
      ControllerService.controllerExpandVolume,
      ControllerExpandVolumeRequest.fromPartial({
        volumeId: volume.volumeId,
        capacityRange: { requiredBytes: BigInt(4 * MiB + 2 * block) },
      }),
    );
    const { snapshotId } = await client.createSnapshot("grown", volume.volumeId);
    const allocated = await client.allocated({ snapshotId: base });
    expect(allocated.messages[0]?.volumeCapacityBytes).toBe(BigInt(4 * MiB));
    const delta = await client.delta({ baseSnapshotId: base, targetSnapshotId: snapshotId });
    expect(delta.messages[0]?.volumeCapacityBytes).toBe(BigInt(4 * MiB + 2 * block));
    expect(inUnits(delta.tuples, block)).toEqual([
      [1024, 1],
      [1025, 1],
    ]);
    const shrunk = await client.delta({ baseSnapshotId: snapshotId, targetSnapshotId: base });
    expect(shrunk.tuples).toEqual([]);
  });
});

describe("the volume's fate", () => {
  it("does not matter: metadata is served after its volume is gone", async () => {
    const { volume, base } = await prepared();
    await writeTo(volume, 5 * block, filled(1));
    const { snapshotId } = await client.createSnapshot("target", volume.volumeId);
    await client.connection.call(
      ControllerService.deleteVolume,
      DeleteVolumeRequest.fromPartial({ volumeId: volume.volumeId }),
    );
    expect((await client.allocated({ snapshotId: base })).tuples).toHaveLength(4);
    expect((await client.delta({ baseSnapshotId: base, targetSnapshotId: snapshotId })).tuples).toHaveLength(1);
  });

  describe("of a snapshot that is deleted meanwhile", () => {
    const blocks = 4096;
    const forget = (snapshotId: string) =>
      client.connection.call(ControllerService.deleteSnapshot, DeleteSnapshotRequest.fromPartial({ snapshotId }));
    const cut = async (): Promise<string> => {
      const volume = await client.createVolume("v", BigInt(blocks * block));
      await writeTo(volume, 0, filled(1, blocks));
      return (await client.createSnapshot("s", volume.volumeId)).snapshotId;
    };

    it("goes on to its end when it is under way", async () => {
      const snapshotId = await cut();
      const { path, requestSerialize } = SnapshotMetadataService.getMetadataAllocated;
      const request = GetMetadataAllocatedRequest.fromPartial({ snapshotId, maxResults: 1 });
      let received = 0;
      for await (const _ of client.connection.openStream(path, requestSerialize(request), { waitForReady: true })) {
        received += 1;
        if (received === 1) await forget(snapshotId);
      }
      expect(received).toBe(blocks);
    });

    it("is whole, or too late; never a part", async () => {
      const snapshotId = await cut();
      const outcome = client.allocated({ snapshotId, maxResults: 1 }).then(
        ({ tuples }) => tuples.length,
        (thrown: { code: number }) => thrown.code,
      );
      await forget(snapshotId);
      expect([blocks, status.NOT_FOUND]).toContain(await outcome);
    });
  });
});

describe("block size", () => {
  it("divides every capacity, so that no tuple reaches beyond it", async () => {
    await restart({ blockSize: 65536 });
    const volume = await client.createVolume("odd", 100_001n);
    expect(volume.capacityBytes).toBe(131_072n);
    await writeTo(volume, 131_071, Buffer.of(1));
    const { snapshotId } = await client.createSnapshot("s", volume.volumeId);
    const { messages } = await client.allocated({ snapshotId });
    expect(messages).toMatchObject([
      { volumeCapacityBytes: 131_072n, blockMetadata: [{ byteOffset: 65_536n, sizeBytes: 65_536n }] },
    ]);
  });

  it("gives way for a snapshot that was cut with a smaller one", async () => {
    const volume = await client.createVolume("small", BigInt(3 * block));
    await writeTo(volume, 2 * block, filled(1));
    const { snapshotId } = await client.createSnapshot("s", volume.volumeId);
    await restart({ blockSize: 65536 });
    const { tuples } = await client.allocated({ snapshotId });
    expect(inUnits(tuples, block)).toEqual([[2, 1]]);
  });

  it.each([0, 100, 4097, 3 * 4096, 32 * MiB])("can not be %d", async (blockSize) => {
    const options = { endpoint: join(folder.path, "x"), stateDir: join(folder.path, "x"), blockSize };
    await expect(startDevDriver(options)).rejects.toThrow("expected a power of two from 512");
  });
});
