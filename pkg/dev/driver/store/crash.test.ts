import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import * as csi from "../../../gen/csi/v1/csi.ts";
import { type DevDriver, startDevDriver } from "../driver.ts";
import { DriverClient, devicePath, filesOf, type TestFolder, testFolder, writeTo } from "../testing/harness.ts";
import { startProgram } from "../testing/program.ts";
import { driverFailpoints } from "./failpoints.ts";

const service = csi.ControllerService;
const MiB = 1n << 20n;

let folder: TestFolder;
let stateDir: string;
let endpoint: string;
let client: DriverClient;

beforeEach(async () => {
  folder = await testFolder();
  stateDir = join(folder.path, "state");
  endpoint = join(folder.path, "s");
  client = new DriverClient(endpoint);
});

afterEach(async () => {
  await client[Symbol.asyncDispose]();
  await folder[Symbol.asyncDispose]();
});

const start = (): Promise<DevDriver> => startDevDriver({ endpoint, stateDir });

/** What the driver says exists. */
const listed = async (): Promise<{ volumes: csi.Volume[]; snapshots: csi.Snapshot[] }> => {
  const ready = { waitForReady: true };
  const volumes = await client.connection.call(service.listVolumes, { maxEntries: 0, startingToken: "" }, ready);
  const request = csi.ListSnapshotsRequest.fromPartial({});
  const snapshots = await client.connection.call(service.listSnapshots, request, ready);
  return {
    volumes: volumes.entries.flatMap((each) => each.volume ?? []),
    snapshots: snapshots.entries.flatMap((each) => each.snapshot ?? []),
  };
};

/** The state folder holds a record and data for each thing that is listed, and nothing else. */
const expectNothingLeaked = async (): Promise<void> => {
  const { volumes, snapshots } = await listed();
  const ids = [...volumes.map((each) => each.volumeId), ...snapshots.map((each) => each.snapshotId)];
  expect(await filesOf(stateDir)).toEqual(ids.flatMap((id) => [`${id}.img`, `${id}.json`]).sort());
  for (const volume of volumes) {
    expect(BigInt((await readFile(devicePath(volume))).length)).toBe(volume.capacityBytes);
  }
};

interface World {
  readonly volume: csi.Volume;
  readonly snapshot: csi.Snapshot;
}

/** The call that passes the failpoint; repeated after the crash it must end in the same world. */
const work: Readonly<Record<string, (world: World) => Promise<unknown>>> = {
  "volume.add": ({ snapshot }) => client.restore("made", snapshot.snapshotId),
  "snapshot.add": ({ volume }) => client.createSnapshot("made", volume.volumeId),
  "volume.update": ({ volume }) =>
    client.connection.call(
      service.controllerExpandVolume,
      csi.ControllerExpandVolumeRequest.fromPartial({
        volumeId: volume.volumeId,
        capacityRange: { requiredBytes: 2n * MiB },
      }),
      { waitForReady: true },
    ),
  "volume.remove": ({ volume }) =>
    client.connection.call(service.deleteVolume, csi.DeleteVolumeRequest.fromPartial({ volumeId: volume.volumeId }), {
      waitForReady: true,
    }),
  "snapshot.remove": ({ snapshot }) =>
    client.connection.call(
      service.deleteSnapshot,
      csi.DeleteSnapshotRequest.fromPartial({ snapshotId: snapshot.snapshotId }),
      { waitForReady: true },
    ),
};

/** What there is after the work, by whichever way it came about. */
const after: Readonly<Record<string, { volumes: number; snapshots: number }>> = {
  "volume.add": { volumes: 2, snapshots: 1 },
  "snapshot.add": { volumes: 1, snapshots: 2 },
  "volume.update": { volumes: 1, snapshots: 1 },
  "volume.remove": { volumes: 0, snapshots: 1 },
  "snapshot.remove": { volumes: 1, snapshots: 0 },
};

describe("a driver killed at", () => {
  it.each(driverFailpoints.names)("%s loses nothing that was promised and leaks nothing", async (failpoint) => {
    const kind = failpoint.split(".").slice(1, 3).join(".").replace("record", "add");
    const act = work[kind] ?? expect.unreachable(kind);
    await using first = await start();
    const volume = await client.createVolume("v", MiB);
    await writeTo(volume, 4096, Buffer.from("precious"));
    const world = { volume, snapshot: await client.createSnapshot("s", volume.volumeId) };
    await first.close();

    await using program = await startProgram(endpoint, stateDir, { failpoint });
    await expect(act(world)).rejects.toMatchObject({ reason: "DriverUnavailable", final: false });
    expect(await program.ended).toBe("SIGKILL");

    await using second = await start();
    await expectNothingLeaked();
    await act(world);
    await expectNothingLeaked();
    const { volumes, snapshots } = await listed();
    expect({ volumes: volumes.length, snapshots: snapshots.length }).toEqual(after[kind]);
    for (const each of volumes) {
      expect((await readFile(devicePath(each))).subarray(4096, 4104).toString()).toBe("precious");
    }
    await second.close();
  });
});

describe("a driver killed at any moment", () => {
  it("keeps every promise it made", async () => {
    const promised = new Set<string>();
    let made = 0;
    for (let round = 0; round < 4; round++) {
      await using program = await startProgram(endpoint, stateDir);
      const killAfter = 5 + round * 7;
      let answers = 0;
      const oneClient = async (): Promise<void> => {
        for (;;) {
          const volume = await client.createVolume(`v-${made++}`, MiB);
          promised.add(volume.volumeId);
          const snapshot = await client.createSnapshot(`s-${made++}`, volume.volumeId);
          promised.add(snapshot.snapshotId);
          answers += 2;
          if (answers >= killAfter) program.kill("SIGKILL");
        }
      };
      await Promise.allSettled([oneClient(), oneClient(), oneClient(), oneClient()]);
      expect(await program.ended).toBe("SIGKILL");
      await using driver = await start();
      await expectNothingLeaked();
      const { volumes, snapshots } = await listed();
      const found = new Set([...volumes.map((each) => each.volumeId), ...snapshots.map((each) => each.snapshotId)]);
      expect([...promised].filter((id) => !found.has(id))).toEqual([]);
      await driver.close();
    }
  });
});
