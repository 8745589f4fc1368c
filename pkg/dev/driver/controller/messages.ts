import type { Snapshot, Volume, VolumeContentSource } from "../../../gen/csi/v1/csi.ts";
import type { SnapshotRecord, VolumeRecord } from "../store/records.ts";
import type { Store } from "../store/store.ts";

/** A volume as CSI describes it. `volume_context["devicePath"]` is the file that holds its bytes. */
export function volumeMessage(context: { readonly store: Store }, record: VolumeRecord): Volume {
  return {
    capacityBytes: record.sizeBytes,
    volumeId: record.id,
    volumeContext: { devicePath: context.store.volumes.dataPath(record.id) },
    contentSource: contentSource(record),
    accessibleTopology: [],
  };
}

function contentSource({ source }: VolumeRecord): VolumeContentSource | undefined {
  if (source === undefined) return undefined;
  if (source.kind === "snapshot") return { type: { $case: "snapshot", value: { snapshotId: source.id } } };
  return { type: { $case: "volume", value: { volumeId: source.id } } };
}

/** A snapshot as CSI describes it. Its file is the driver's own: reading a snapshot means restoring a volume from it. */
export function snapshotMessage(record: SnapshotRecord): Snapshot {
  return {
    sizeBytes: record.sizeBytes,
    snapshotId: record.id,
    sourceVolumeId: record.sourceVolumeId,
    creationTime: {
      seconds: BigInt(Math.floor(record.createdMs / 1000)),
      nanos: (record.createdMs % 1000) * 1_000_000,
    },
    readyToUse: true,
    groupSnapshotId: "",
  };
}
