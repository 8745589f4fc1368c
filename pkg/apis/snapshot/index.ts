export { snapshotGroup } from "./group.ts";
export {
  annotations,
  classParameters,
  contentNameFor,
  createMetadata,
  finalizers,
  labels,
  marked,
  reservedParameterPrefix,
} from "./names.ts";
export { VolumeSnapshot } from "./volume-snapshot.ts";
export { VolumeSnapshotClass } from "./volume-snapshot-class.ts";
export { VolumeSnapshotContent } from "./volume-snapshot-content.ts";
