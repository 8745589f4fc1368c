import { defineCrd, map, type ObjectOf, object, oneOf, optional, type PrinterColumn, text } from "../schema/index.ts";
import { approval, snapshotGroup, v1beta1Warning } from "./group.ts";

const printerColumns: readonly PrinterColumn[] = [
  { name: "Driver", type: "string", jsonPath: ".driver" },
  {
    name: "DeletionPolicy",
    type: "string",
    jsonPath: ".deletionPolicy",
    description: "What becomes of a stored snapshot of this class when its VolumeSnapshot is deleted.",
  },
  { name: "Age", type: "date", jsonPath: ".metadata.creationTimestamp" },
];

const schema = object("How snapshots are taken: which driver, with which parameters, and what deletion means.", {
  deletionPolicy: oneOf("Whether the stored snapshot goes or stays when the VolumeSnapshot is deleted.", [
    "Delete",
    "Retain",
  ]),
  driver: text("The name of the CSI driver that takes snapshots of this class."),
  parameters: optional(map("Parameters for the driver. Those below csi.storage.k8s.io/ are not passed on.")),
});

/** How snapshots are taken; chosen by name, or by being the default of a driver. */
export const VolumeSnapshotClass = defineCrd({
  group: snapshotGroup,
  kind: "VolumeSnapshotClass",
  plural: "volumesnapshotclasses",
  shortNames: ["vsclass", "vsclasses"],
  scope: "Cluster",
  version: "v1",
  annotations: approval(814),
  versions: {
    v1: { served: true, storage: true, printerColumns, schema },
    v1beta1: {
      served: false,
      storage: false,
      deprecated: v1beta1Warning("VolumeSnapshotClass"),
      printerColumns,
      schema,
    },
  },
});
export type VolumeSnapshotClass = ObjectOf<typeof VolumeSnapshotClass>;
