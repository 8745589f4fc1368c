import {
  conditions,
  defineCrd,
  exactlyOneOf,
  flag,
  immutableOnce,
  int64,
  lastError,
  type ObjectOf,
  object,
  objectReference,
  oneOf,
  optional,
  type PrinterColumn,
  text,
  together,
} from "../schema/index.ts";
import { approval, snapshotGroup, v1beta1Warning } from "./group.ts";

const printerColumns: readonly PrinterColumn[] = [
  {
    name: "ReadyToUse",
    type: "boolean",
    jsonPath: ".status.readyToUse",
    description: "Whether a volume can be restored from the snapshot.",
  },
  {
    name: "RestoreSize",
    type: "integer",
    jsonPath: ".status.restoreSize",
    description: "The size of the snapshot in bytes.",
  },
  {
    name: "DeletionPolicy",
    type: "string",
    jsonPath: ".spec.deletionPolicy",
    description: "What becomes of this object and of the stored snapshot when the VolumeSnapshot is deleted.",
  },
  { name: "Driver", type: "string", jsonPath: ".spec.driver", description: "The CSI driver that has the snapshot." },
  {
    name: "VolumeSnapshotClass",
    type: "string",
    jsonPath: ".spec.volumeSnapshotClassName",
    description: "The class of the snapshot.",
  },
  {
    name: "VolumeSnapshot",
    type: "string",
    jsonPath: ".spec.volumeSnapshotRef.name",
    description: "The VolumeSnapshot that this object is bound to.",
  },
  {
    name: "VolumeSnapshotNamespace",
    type: "string",
    jsonPath: ".spec.volumeSnapshotRef.namespace",
    description: "The namespace of that VolumeSnapshot.",
  },
  { name: "Age", type: "date", jsonPath: ".metadata.creationTimestamp" },
];

const about = "A snapshot as the storage system has it.";
const volumeHandle = text("The driver's id of the volume to take a snapshot of. For snapshots yet to be taken.");
const snapshotHandle = text("The driver's id of the snapshot. For snapshots that are already there.");
const reference = "The VolumeSnapshot that this object is bound to. Without a uid it is reserved for that name.";

const spec = {
  deletionPolicy: oneOf("Whether the stored snapshot goes or stays when the VolumeSnapshot is deleted.", [
    "Delete",
    "Retain",
  ]),
  driver: text("The name of the CSI driver that has the snapshot."),
  volumeSnapshotClassName: optional(
    text("The class that the snapshot was made with. The class may since have been changed or deleted."),
  ),
};

const status = {
  snapshotHandle: optional(text("The driver's id of the snapshot. Absent: it is not taken yet, or taking it failed.")),
  creationTime: optional(
    int64("The point in time that the snapshot shows, in nanoseconds since 1970. Absent: not known."),
  ),
  restoreSize: optional(int64("The size of the snapshot in bytes. Absent: not known.", { minimum: 0 })),
  readyToUse: optional(flag("Whether a volume can be restored from the snapshot. Absent: not known.")),
  error: optional(lastError("What went wrong last; it goes away with success.")),
};

/** A snapshot as the storage system has it; bound to a VolumeSnapshot. */
export const VolumeSnapshotContent = defineCrd({
  group: snapshotGroup,
  kind: "VolumeSnapshotContent",
  plural: "volumesnapshotcontents",
  shortNames: ["vsc", "vscs"],
  scope: "Cluster",
  version: "v1",
  annotations: approval(955),
  versions: {
    v1: {
      served: true,
      storage: true,
      subresources: { status: true },
      printerColumns,
      schema: object(about, {
        spec: object("What the object stands for.", {
          ...spec,
          source: object(
            "Where the snapshot comes from. It can not be changed.",
            {
              volumeHandle: optional(immutableOnce(volumeHandle)),
              snapshotHandle: optional(immutableOnce(snapshotHandle)),
            },
            exactlyOneOf("volumeHandle", "snapshotHandle"),
          ),
          sourceVolumeMode: optional(
            immutableOnce(text("The mode of the volume, Filesystem or Block. Absent: not known, and not checked.")),
          ),
          volumeSnapshotRef: objectReference(
            reference,
            together(
              "both spec.volumeSnapshotRef.name and spec.volumeSnapshotRef.namespace must be set",
              "name",
              "namespace",
            ),
          ),
        }),
        status: optional(
          object("What the driver says of the snapshot.", {
            ...status,
            volumeGroupSnapshotHandle: optional(
              text("The driver's id of the group snapshot that this one belongs to."),
            ),
            conditions: optional(conditions("What a person or program should know. Written with this manifest only.")),
          }),
        ),
      }),
    },
    v1beta1: {
      served: false,
      storage: false,
      deprecated: v1beta1Warning("VolumeSnapshotContent"),
      subresources: { status: true },
      printerColumns,
      schema: object(about, {
        spec: object("What the object stands for.", {
          ...spec,
          source: object("Where the snapshot comes from.", {
            volumeHandle: optional(volumeHandle),
            snapshotHandle: optional(snapshotHandle),
          }),
          volumeSnapshotRef: objectReference(reference),
        }),
        status: optional(object("What the driver says of the snapshot.", status)),
      }),
    },
  },
});
export type VolumeSnapshotContent = ObjectOf<typeof VolumeSnapshotContent>;
