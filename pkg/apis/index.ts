import { SnapshotMetadataService } from "./cbt/index.ts";
import type { Crd } from "./schema/index.ts";
import { VolumeSnapshot, VolumeSnapshotClass, VolumeSnapshotContent } from "./snapshot/index.ts";

/** Every kind whose manifest is ours to give. */
export const crds: readonly Crd[] = [
  SnapshotMetadataService,
  VolumeSnapshot,
  VolumeSnapshotClass,
  VolumeSnapshotContent,
];
