import { immutable } from "../../registry/object-meta.ts";
import { type FieldError, forbidden, notSupported, required } from "../../wire/field-error.ts";
import { at, equalSemantic, type JsonObject, objectAt, textAt, textsAt } from "../../wire/json.ts";
import { dnsSubdomain } from "../../wire/names.ts";
import { type BuiltinKind, keepField } from "../built-in-kind.ts";
import { fill } from "../codec.ts";
import { dumpDiff, plain, pointer, struct } from "../go-dump.ts";
import { accessModeErrors, addFinalizer, volumeModeErrors } from "./volume-parts.ts";

const secret = pointer(struct(["Name", "name", plain("")], ["Namespace", "namespace", plain("")]));

const csi = struct(
  ["Driver", "driver", plain("")],
  ["VolumeHandle", "volumeHandle", plain("")],
  ["ReadOnly", "readOnly", plain(false)],
  ["FSType", "fsType", plain("")],
  ["VolumeAttributes", "volumeAttributes"],
  ["ControllerPublishSecretRef", "controllerPublishSecretRef", secret],
  ["NodeStageSecretRef", "nodeStageSecretRef", secret],
  ["NodePublishSecretRef", "nodePublishSecretRef", secret],
  ["ControllerExpandSecretRef", "controllerExpandSecretRef", secret],
  ["NodeExpandSecretRef", "nodeExpandSecretRef", secret],
);

const sources = [
  ["GCEPersistentDisk", "gcePersistentDisk"],
  ["AWSElasticBlockStore", "awsElasticBlockStore"],
  ["HostPath", "hostPath", pointer(struct(["Path", "path", plain("")], ["Type", "type"]))],
  ["Glusterfs", "glusterfs"],
  ["NFS", "nfs"],
  ["RBD", "rbd"],
  ["Quobyte", "quobyte"],
  ["ISCSI", "iscsi"],
  ["FlexVolume", "flexVolume"],
  ["Cinder", "cinder"],
  ["CephFS", "cephfs"],
  ["FC", "fc"],
  ["Flocker", "flocker"],
  ["AzureFile", "azureFile"],
  ["VsphereVolume", "vsphereVolume"],
  ["AzureDisk", "azureDisk"],
  ["PhotonPersistentDisk", "photonPersistentDisk"],
  ["PortworxVolume", "portworxVolume"],
  ["ScaleIO", "scaleIO"],
  ["Local", "local", pointer(struct(["Path", "path", plain("")], ["FSType", "fsType"]))],
  ["StorageOS", "storageos"],
  ["CSI", "csi", pointer(csi)],
] as const;

const sourceNames: ReadonlySet<string> = new Set(sources.map(([, json]) => json));
const sourceDump = struct(...sources);

const sourceOf = (object: JsonObject): JsonObject =>
  Object.fromEntries(Object.entries(objectAt(object, "spec")).filter(([field]) => sourceNames.has(field)));

const policies = ["Delete", "Recycle", "Retain"];

export const persistentVolumeKind: BuiltinKind = {
  group: "",
  resource: "persistentvolumes",
  struct: "core.v1.PersistentVolume",
  extra: { returnsDeleted: true },
  checkName: dnsSubdomain,
  defaults(object) {
    const spec = objectAt(object, "spec");
    fill(spec, "persistentVolumeReclaimPolicy", "Retain", "");
    fill(spec, "volumeMode", "Filesystem");
    object["spec"] = spec;
    const status = objectAt(object, "status");
    fill(status, "phase", "Pending", "");
    object["status"] = status;
  },
  prepareCreate(next) {
    next["status"] = { phase: "Pending", lastPhaseTransitionTime: at(next, "metadata", "creationTimestamp") ?? null };
    addFinalizer(next, "kubernetes.io/pv-protection");
  },
  prepareUpdate: (next, old) => keepField(next, old, "status"),
  validate: (object) => specErrors(objectAt(object, "spec")),
  validateUpdate(next, old) {
    const source = "spec.persistentvolumesource";
    const same = equalSemantic(sourceOf(next), sourceOf(old));
    const diff = same ? "" : dumpDiff(sourceDump, sourceOf(old), sourceOf(next));
    const mode = at(next, "spec", "volumeMode");
    return [
      ...(same ? [] : [forbidden(source, `${source} is immutable after creation\n${diff}`)]),
      ...(equalSemantic(mode, at(old, "spec", "volumeMode")) ? [] : [immutable("volumeMode", mode)]),
    ];
  },
};

function specErrors(spec: JsonObject): FieldError[] {
  const capacity = objectAt(spec, "capacity");
  const given = Object.keys(spec).filter((field) => sourceNames.has(field));
  const policy = textAt(spec, "persistentVolumeReclaimPolicy");
  return [
    ...accessModeErrors(textsAt(spec, "accessModes"), "spec.accessModes", ""),
    ...(Object.keys(capacity).length === 0 ? [required("spec.capacity")] : []),
    ...("storage" in capacity && Object.keys(capacity).length === 1
      ? []
      : [notSupported("spec.capacity", capacity, ["storage"])]),
    ...(given.length === 0 ? [required("spec", "must specify a volume type")] : []),
    ...given.slice(1).map((field) => forbidden(`spec.${field}`, "may not specify more than 1 volume type")),
    ...("csi" in spec ? csiErrors(objectAt(spec, "csi")) : []),
    ...(policy === "" || policies.includes(policy)
      ? []
      : [notSupported("spec.persistentVolumeReclaimPolicy", policy, policies)]),
    ...volumeModeErrors(spec),
  ];
}

const csiErrors = (source: JsonObject): FieldError[] =>
  ["driver", "volumeHandle"].flatMap((field) => (textAt(source, field) === "" ? [required(`spec.csi.${field}`)] : []));
