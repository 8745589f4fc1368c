import { mkdir, symlink } from "node:fs/promises";
import { join } from "node:path";
import { VolumeSnapshot, VolumeSnapshotContent } from "../../../pkg/apis/snapshot/index.ts";
import {
  ControllerService,
  type CreateVolumeRequest,
  VolumeCapability_AccessMode_Mode,
} from "../../../pkg/gen/csi/v1/csi.ts";
import { isNotFound } from "../../../pkg/kube/client/index.ts";
import { Failure } from "../../../pkg/runtime/errors/index.ts";
import type { Outcome } from "../screen/narrator.ts";
import { type Cluster, names, volumeBytes, type World } from "../world.ts";
import { fresh, unless } from "./cluster.ts";
import type { Driver } from "./driver.ts";

/** A volume, and where its bytes are. */
export interface Volume {
  readonly id: string;
  readonly devicePath: string;
  /** Until the Node service exists, a device is the file that the driver names in the volume context. */
  readonly filePath: string;
}

/** A snapshot that Kubernetes knows. */
export interface Snapshot {
  readonly name: string;
  readonly handle: string;
}

/** Has the driver make a volume, empty or restored from a snapshot, and puts a device where a pod would find it. */
export async function createVolume(world: World, driver: Driver, name: string, from?: Snapshot): Promise<Volume> {
  const request: CreateVolumeRequest = {
    name,
    capacityRange: { requiredBytes: BigInt(volumeBytes), limitBytes: 0n },
    volumeCapabilities: [
      {
        accessType: { $case: "block", value: {} },
        accessMode: { mode: VolumeCapability_AccessMode_Mode.SINGLE_NODE_WRITER },
      },
    ],
    ...{ parameters: {}, secrets: {}, mutableParameters: {}, accessibilityRequirements: undefined },
    volumeContentSource: from ? { type: { $case: "snapshot", value: { snapshotId: from.handle } } } : undefined,
  };
  const { volume } = await driver.call(ControllerService.createVolume, request);
  const filePath = volume?.volumeContext["devicePath"];
  if (volume && filePath) {
    const devices = join(world.folder, "dev");
    await mkdir(devices, { recursive: true });
    await symlink(filePath, join(devices, name));
    return { id: volume.volumeId, devicePath: join(devices, name), filePath };
  }
  throw new Failure("terminal", "NoDevice", `the driver named no device for volume ${name}`);
}

/**
 * What snapshot-controller and csi-snapshotter will do: has the driver cut a snapshot, and writes a settled
 * VolumeSnapshotContent and VolumeSnapshot, in the way of a pre-provisioned snapshot.
 */
export async function takeSnapshot(
  world: World,
  cluster: Cluster,
  driver: Driver,
  volume: Volume,
  name: string,
): Promise<Outcome<Snapshot>> {
  const request = { sourceVolumeId: volume.id, name, secrets: {}, parameters: {} };
  const { snapshot: cut } = await driver.call(ControllerService.createSnapshot, request);
  if (!cut?.readyToUse) throw new Failure("terminal", "NotReady", `the driver's snapshot ${name} is not ready`);
  const { admin } = cluster;
  const { namespace } = names;
  const content = `cbt-demo-${name}`;
  world.undo(() => admin.delete(VolumeSnapshotContent, { name: content }).catch(unless(isNotFound)));
  const snapshot = await fresh(admin, VolumeSnapshot, {
    metadata: { namespace, name },
    spec: { source: { volumeSnapshotContentName: content } },
  });
  const bound = await fresh(admin, VolumeSnapshotContent, {
    metadata: { name: content },
    spec: {
      driver: names.driver,
      deletionPolicy: "Retain",
      source: { snapshotHandle: cut.snapshotId },
      sourceVolumeMode: "Block",
      volumeSnapshotRef: {
        kind: "VolumeSnapshot",
        namespace,
        name,
        ...(snapshot.metadata.uid ? { uid: snapshot.metadata.uid } : {}),
      },
    },
  });
  const restoreSize = cut.sizeBytes;
  const { seconds = 0n, nanos = 0 } = cut.creationTime ?? {};
  const creationTime = seconds * 1_000_000_000n + BigInt(nanos);
  const createdAt = new Date(Number(creationTime / 1_000_000n)).toISOString();
  const subresource = "status";
  await admin.update(
    VolumeSnapshotContent,
    { ...bound, status: { snapshotHandle: cut.snapshotId, readyToUse: true, restoreSize, creationTime } },
    { subresource },
  );
  await admin.update(
    VolumeSnapshot,
    {
      ...snapshot,
      status: {
        boundVolumeSnapshotContentName: content,
        readyToUse: true,
        restoreSize: String(restoreSize),
        creationTime: createdAt,
      },
    },
    { subresource },
  );
  return {
    value: { name, handle: cut.snapshotId },
    note: `VolumeSnapshot ${namespace}/${name} is ready`,
    data: { handle: cut.snapshotId },
  };
}
