import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { DriverFailpoint } from "./failpoints.ts";
import { SnapshotRecord, VolumeRecord } from "./records.ts";
import { Shelf } from "./shelf.ts";

/** All state of the driver. */
export interface Store {
  readonly volumes: Shelf<VolumeRecord>;
  readonly snapshots: Shelf<SnapshotRecord>;
  /** Files that the last crash left half-done; they are gone. */
  readonly removed: readonly string[];
}

/** Opens the state folder and finishes what a crash interrupted. Rejects with a Failure when a record is damaged. */
export async function openStore(stateDir: string, failpoint: DriverFailpoint): Promise<Store> {
  await mkdir(stateDir, { recursive: true, mode: 0o700 });
  const volumes = await Shelf.open({
    folder: join(stateDir, "volumes"),
    noun: "volume",
    format: VolumeRecord,
    failpoint,
  });
  const snapshots = await Shelf.open({
    folder: join(stateDir, "snapshots"),
    noun: "snapshot",
    format: SnapshotRecord,
    failpoint,
  });
  return { volumes, snapshots, removed: [...volumes.recovery.removed, ...snapshots.recovery.removed] };
}
