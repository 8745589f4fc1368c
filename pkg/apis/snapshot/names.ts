import { secretAnnotations } from "../schema/index.ts";

const prefix = "snapshot.storage.kubernetes.io";
const parameterPrefix = "csi.storage.k8s.io/";

/** Finalizers of single snapshots. */
export const finalizers = {
  /** On contents: the stored snapshot is still there. */
  contentBound: `${prefix}/volumesnapshotcontent-bound-protection`,
  /** On snapshots: a content with policy Delete is bound. */
  snapshotBound: `${prefix}/volumesnapshot-bound-protection`,
  /** On snapshots: a volume may be being restored from it. */
  snapshotAsSource: `${prefix}/volumesnapshot-as-source-protection`,
  /** On snapshots: it belongs to a group snapshot. */
  snapshotInGroup: `${prefix}/volumesnapshot-in-group-protection`,
  /** On claims: a snapshot of it is being taken. */
  claimAsSource: `${prefix}/pvc-as-source-protection`,
} as const;

/** Annotations of single snapshots. */
export const annotations = {
  /** On contents, value `yes`: a CreateSnapshot call may be under way. */
  beingCreated: `${prefix}/volumesnapshot-being-created`,
  /** On contents, value `yes`: the VolumeSnapshot is being deleted. */
  beingDeleted: `${prefix}/volumesnapshot-being-deleted`,
  /** On contents: the Secret of calls after the first. */
  deletionSecret: secretAnnotations(`${prefix}/deletion-secret`),
  /** On classes, value `true`. */
  defaultClass: `${prefix}/is-default-class`,
  /** On contents, a truth value: a restore may change the volume mode. */
  allowVolumeModeChange: `${prefix}/allow-volume-mode-change`,
  /** On contents of a group: the group's handle. The group's name is indeed another one. */
  groupSnapshotHandle: "groupsnapshot.storage.k8s.io/volumeGroupSnapshotHandle",
} as const;

/** The value of annotations that only mark. */
export const marked = "yes";

/** Labels of single snapshots. */
export const labels = {
  /** On contents: the node whose sidecar does the work. */
  managedBy: `${prefix}/managed-by`,
} as const;

/** Class parameters below this prefix are for the programs, not for the driver; an unknown one is an error. */
export const reservedParameterPrefix = parameterPrefix;

/** Reserved parameters of a VolumeSnapshotClass. */
export const classParameters = {
  secretName: `${parameterPrefix}snapshotter-secret-name`,
  secretNamespace: `${parameterPrefix}snapshotter-secret-namespace`,
  listSecretName: `${parameterPrefix}snapshotter-list-secret-name`,
  listSecretNamespace: `${parameterPrefix}snapshotter-list-secret-namespace`,
} as const;

/** What the driver is told about the objects behind a snapshot, with `--extra-create-metadata`. */
export const createMetadata = {
  snapshotName: `${parameterPrefix}volumesnapshot/name`,
  snapshotNamespace: `${parameterPrefix}volumesnapshot/namespace`,
  contentName: `${parameterPrefix}volumesnapshotcontent/name`,
} as const;

/** The content that is made for the snapshot of this uid. */
export function contentNameFor(snapshotUid: string): string {
  return `snapcontent-${snapshotUid}`;
}
