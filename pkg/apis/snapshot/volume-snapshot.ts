import {
  conditions,
  dateTime,
  defineCrd,
  exactlyOneOf,
  flag,
  immutableOnce,
  lastError,
  type ObjectOf,
  object,
  optional,
  type PrinterColumn,
  quantity,
  type Rule,
  text,
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
    name: "SourcePVC",
    type: "string",
    jsonPath: ".spec.source.persistentVolumeClaimName",
    description: "The claim that the snapshot is taken of.",
  },
  {
    name: "SourceSnapshotContent",
    type: "string",
    jsonPath: ".spec.source.volumeSnapshotContentName",
    description: "The content that stands for a snapshot that was there before.",
  },
  {
    name: "RestoreSize",
    type: "string",
    jsonPath: ".status.restoreSize",
    description: "The smallest volume that the snapshot can be restored to.",
  },
  {
    name: "SnapshotClass",
    type: "string",
    jsonPath: ".spec.volumeSnapshotClassName",
    description: "The class of the snapshot.",
  },
  {
    name: "SnapshotContent",
    type: "string",
    jsonPath: ".status.boundVolumeSnapshotContentName",
    description: "The content that the snapshot means to be bound to. The bond holds only if the content points back.",
  },
  {
    name: "CreationTime",
    type: "date",
    jsonPath: ".status.creationTime",
    description: "The point in time that the snapshot shows.",
  },
  { name: "Age", type: "date", jsonPath: ".metadata.creationTimestamp" },
];

const notEmpty: Rule = {
  rule: "size(self) > 0",
  message: "volumeSnapshotClassName must not be the empty string when set",
  holds: (self) => self !== "",
};

const about = "A user's wish for a snapshot of a volume, or for the use of a snapshot that is already there.";
const claimName = text("The claim to take a snapshot of, in the same namespace. For snapshots yet to be taken.");
const contentName = text("The content that stands for the snapshot. For snapshots that are already there.");
const className =
  "The class to use. Absent: the default class of the claim's driver; none or several of these is an error.";

const status = {
  boundVolumeSnapshotContentName: optional(
    text("The content that this snapshot means to be bound to. Trust it only if the content points back here."),
  ),
  creationTime: optional(dateTime("The point in time that the snapshot shows. Absent: not known.")),
  readyToUse: optional(flag("Whether a volume can be restored from the snapshot. Absent: not known.")),
  restoreSize: optional(quantity("The smallest volume that the snapshot can be restored to. Absent: not known.")),
  error: optional(lastError("What went wrong last; it goes away with success.")),
};

/** A user's snapshot of a volume; bound to a VolumeSnapshotContent. */
export const VolumeSnapshot = defineCrd({
  group: snapshotGroup,
  kind: "VolumeSnapshot",
  plural: "volumesnapshots",
  shortNames: ["vs"],
  scope: "Namespaced",
  version: "v1",
  annotations: approval(814),
  versions: {
    v1: {
      served: true,
      storage: true,
      subresources: { status: true },
      printerColumns,
      schema: object(about, {
        spec: object("What is wanted.", {
          source: object(
            "What the snapshot is made from. It can not be changed.",
            {
              persistentVolumeClaimName: optional(immutableOnce(claimName)),
              volumeSnapshotContentName: optional(immutableOnce(contentName)),
            },
            exactlyOneOf("volumeSnapshotContentName", "persistentVolumeClaimName"),
          ),
          volumeSnapshotClassName: optional(text(className, { rules: [notEmpty] })),
        }),
        status: optional(
          object("What is known.", {
            ...status,
            volumeGroupSnapshotName: optional(text("The group snapshot that this snapshot belongs to.")),
            conditions: optional(conditions("What a person or program should know. Written with this manifest only.")),
          }),
        ),
      }),
    },
    v1beta1: {
      served: false,
      storage: false,
      deprecated: v1beta1Warning("VolumeSnapshot"),
      subresources: { status: true },
      printerColumns,
      schema: object(about, {
        spec: object("What is wanted.", {
          source: object("What the snapshot is made from.", {
            persistentVolumeClaimName: optional(claimName),
            volumeSnapshotContentName: optional(contentName),
          }),
          volumeSnapshotClassName: optional(text(className)),
        }),
        status: optional(object("What is known.", status)),
      }),
    },
  },
});
export type VolumeSnapshot = ObjectOf<typeof VolumeSnapshot>;
