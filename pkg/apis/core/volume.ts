import { builtIn, type KubeObject } from "../schema/index.ts";
import type {
  LabelSelector,
  ObjectReference,
  SecretReference,
  TypedLocalObjectReference,
  TypedObjectReference,
} from "./references.ts";

/** How a volume is presented: a mounted directory or a raw device. */
export type VolumeMode = "Filesystem" | "Block";
export type AccessMode = "ReadWriteOnce" | "ReadOnlyMany" | "ReadWriteMany" | "ReadWriteOncePod";

/** Quantities by resource name, as `{ storage: "10Gi" }`. */
export type ResourceList = Record<string, string>;

/** The CSI part of a PersistentVolume. */
export interface CsiVolumeSource {
  driver: string;
  volumeHandle: string;
  readOnly?: boolean;
  fsType?: string;
  volumeAttributes?: Record<string, string>;
  controllerPublishSecretRef?: SecretReference;
  nodeStageSecretRef?: SecretReference;
  nodePublishSecretRef?: SecretReference;
  controllerExpandSecretRef?: SecretReference;
  nodeExpandSecretRef?: SecretReference;
}

/** One term of a node selector; its requirements are all needed. */
export interface NodeSelectorTerm {
  matchExpressions?: { key: string; operator: string; values?: string[] }[];
  matchFields?: { key: string; operator: string; values?: string[] }[];
}

/** core/v1 PersistentVolume. */
export interface PersistentVolume extends KubeObject {
  spec?: {
    capacity?: ResourceList;
    accessModes?: AccessMode[];
    claimRef?: ObjectReference;
    persistentVolumeReclaimPolicy?: "Retain" | "Recycle" | "Delete";
    storageClassName?: string;
    volumeAttributesClassName?: string;
    volumeMode?: VolumeMode;
    mountOptions?: string[];
    /** Absent on volumes of other types than CSI. */
    csi?: CsiVolumeSource;
    hostPath?: { path: string; type?: string };
    local?: { path: string; fsType?: string };
    nodeAffinity?: { required?: { nodeSelectorTerms: NodeSelectorTerm[] } };
  };
  status?: {
    phase?: "Pending" | "Available" | "Bound" | "Released" | "Failed";
    message?: string;
    reason?: string;
    lastPhaseTransitionTime?: string;
  };
}

export const PersistentVolume = builtIn<PersistentVolume>({
  group: "",
  version: "v1",
  kind: "PersistentVolume",
  plural: "persistentvolumes",
  namespaced: false,
});

/** core/v1 PersistentVolumeClaim. */
export interface PersistentVolumeClaim extends KubeObject {
  spec?: {
    accessModes?: AccessMode[];
    resources?: { requests?: ResourceList; limits?: ResourceList };
    /** Empty string: no class; absent: the default class. */
    storageClassName?: string;
    volumeAttributesClassName?: string;
    volumeMode?: VolumeMode;
    volumeName?: string;
    selector?: LabelSelector;
    dataSource?: TypedLocalObjectReference;
    dataSourceRef?: TypedObjectReference;
  };
  status?: {
    phase?: "Pending" | "Bound" | "Lost";
    accessModes?: AccessMode[];
    capacity?: ResourceList;
    allocatedResources?: ResourceList;
    conditions?: { type: string; status: string; reason?: string; message?: string }[];
  };
}

export const PersistentVolumeClaim = builtIn<PersistentVolumeClaim>({
  group: "",
  version: "v1",
  kind: "PersistentVolumeClaim",
  plural: "persistentvolumeclaims",
});
