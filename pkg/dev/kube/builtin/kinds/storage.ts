import { immutable } from "../../registry/object-meta.ts";
import { type FieldError, forbidden, invalid, notSupported, required } from "../../wire/field-error.ts";
import { at, equalSemantic, isObject, type JsonObject, objectAt, textAt, textsAt } from "../../wire/json.ts";
import { dnsSubdomain, qualifiedName } from "../../wire/names.ts";
import { type BuiltinKind, keepField } from "../built-in-kind.ts";
import { fill } from "../codec.ts";
import { compareQuantities, parseQuantity } from "../quantity.ts";

const modes = ["ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod"];

const changed = (next: JsonObject, old: JsonObject, fields: readonly string[]): FieldError[] =>
  fields.filter((field) => !equalSemantic(next[field], old[field])).map((field) => immutable(field, next[field]));

export const storageClassKind: BuiltinKind = {
  group: "storage.k8s.io",
  resource: "storageclasses",
  struct: "storage.v1.StorageClass",
  extra: { returnsDeleted: true },
  checkName: dnsSubdomain,
  defaults(object) {
    fill(object, "reclaimPolicy", "Delete");
    fill(object, "volumeBindingMode", "Immediate");
  },
  validate(object) {
    const provisioner = textAt(object, "provisioner");
    const policy = textAt(object, "reclaimPolicy");
    const mode = textAt(object, "volumeBindingMode");
    return [
      ...(provisioner === "" ? [required("provisioner")] : []),
      ...(provisioner === ""
        ? []
        : qualifiedName(provisioner.toLowerCase()).map((why) =>
            invalid("provisioner", provisioner.toLowerCase(), why),
          )),
      ...("" in objectAt(object, "parameters") ? [invalid("parameters", "", "field can not be empty.")] : []),
      ...(policy === "" || policy === "Delete" || policy === "Retain"
        ? []
        : [notSupported("reclaimPolicy", policy, ["Delete", "Retain"])]),
      ...(["", "Immediate", "WaitForFirstConsumer"].includes(mode)
        ? []
        : [notSupported("volumeBindingMode", mode, ["Immediate", "WaitForFirstConsumer"])]),
    ];
  },
  validateUpdate: (next, old) =>
    changed(next, old, ["parameters", "provisioner", "reclaimPolicy", "volumeBindingMode"]),
};

export const csiDriverKind: BuiltinKind = {
  group: "storage.k8s.io",
  resource: "csidrivers",
  struct: "storage.v1.CSIDriver",
  extra: { returnsDeleted: true },
  checkName: dnsSubdomain,
  unconditionalUpdate: false,
  defaults(object) {
    const spec = objectAt(object, "spec");
    fill(spec, "attachRequired", true);
    fill(spec, "podInfoOnMount", false);
    fill(spec, "storageCapacity", false);
    fill(spec, "fsGroupPolicy", "ReadWriteOnceWithFSType");
    fill(spec, "requiresRepublish", false);
    fill(spec, "seLinuxMount", false);
    fill(spec, "volumeLifecycleModes", ["Persistent"], []);
    object["spec"] = spec;
  },
  validateUpdate: (next, old) =>
    ["attachRequired", "volumeLifecycleModes"]
      .filter((field) => !equalSemantic(at(next, "spec", field), at(old, "spec", field)))
      .map((field) => immutable(`spec.${field}`, at(next, "spec", field))),
};

export const csiNodeKind: BuiltinKind = {
  group: "storage.k8s.io",
  resource: "csinodes",
  struct: "storage.v1.CSINode",
  extra: { returnsDeleted: true },
  checkName: dnsSubdomain,
  unconditionalUpdate: false,
};

export const volumeAttachmentKind: BuiltinKind = {
  group: "storage.k8s.io",
  resource: "volumeattachments",
  struct: "storage.v1.VolumeAttachment",
  extra: { returnsDeleted: true },
  checkName: dnsSubdomain,
  unconditionalUpdate: false,
  prepareCreate(next) {
    next["status"] = { attached: false };
  },
  prepareUpdate: (next, old) => keepField(next, old, "status"),
  validate(object) {
    const attacher = textAt(object, "spec", "attacher");
    const source = objectAt(object, "spec", "source");
    const one = "must specify exactly one of inlineVolumeSpec and persistentVolumeName";
    const inline = source["inlineVolumeSpec"] !== undefined;
    const named = source["persistentVolumeName"] !== undefined;
    return [
      ...(attacher === "" ? [required("spec.attacher")] : []),
      ...(inline || named ? [] : [required("spec.source", one)]),
      ...(inline && named ? [forbidden("spec.source", one)] : []),
      ...dnsSubdomain(textAt(object, "spec", "nodeName")).map((why) =>
        invalid("spec.nodeName", textAt(object, "spec", "nodeName"), why),
      ),
    ];
  },
  validateUpdate: (next, old) => changed(next, old, ["spec"]),
};

export const csiStorageCapacityKind: BuiltinKind = {
  group: "storage.k8s.io",
  resource: "csistoragecapacities",
  struct: "storage.v1.CSIStorageCapacity",
  checkName: dnsSubdomain,
  unconditionalUpdate: false,
};

function accessModeErrors(list: readonly string[], path: string, none: string): FieldError[] {
  if (list.length === 0) return [required(path, none)];
  const wrong = list.filter((mode) => !modes.includes(mode)).map((mode) => notSupported(path, mode, modes));
  if (list.length > 1 && list.includes("ReadWriteOncePod")) {
    wrong.push(forbidden(path, "may not use ReadWriteOncePod with other access modes"));
  }
  return wrong;
}

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
  validate(object) {
    const spec = objectAt(object, "spec");
    const capacity = objectAt(spec, "capacity");
    const sources = Object.keys(spec).filter((field) => volumeSources.has(field));
    const policy = textAt(spec, "persistentVolumeReclaimPolicy");
    return [
      ...accessModeErrors(textsAt(spec, "accessModes"), "spec.accessModes", ""),
      ...(Object.keys(capacity).length === 0 ? [required("spec.capacity")] : []),
      ...("storage" in capacity && Object.keys(capacity).length === 1
        ? []
        : [notSupported("spec.capacity", spec["capacity"] ?? null, ["storage"])]),
      ...(sources.length === 0 ? [required("spec", "must specify a volume type")] : []),
      ...sources.slice(1).map((field) => forbidden(`spec.${field}`, "may not specify more than 1 volume type")),
      ...("csi" in spec ? csiErrors(objectAt(spec, "csi")) : []),
      ...(["", "Delete", "Recycle", "Retain"].includes(policy)
        ? []
        : [notSupported("spec.persistentVolumeReclaimPolicy", policy, ["Delete", "Recycle", "Retain"])]),
      ...volumeModeErrors(spec),
    ];
  },
  validateUpdate: (next, old) => {
    const source = (each: JsonObject): JsonObject =>
      Object.fromEntries(Object.entries(objectAt(each, "spec")).filter(([field]) => volumeSources.has(field)));
    return [
      ...(equalSemantic(source(next), source(old))
        ? []
        : [forbidden("spec.persistentvolumesource", "spec.persistentvolumesource is immutable after creation")]),
      ...(equalSemantic(at(next, "spec", "volumeMode"), at(old, "spec", "volumeMode"))
        ? []
        : [immutable("volumeMode", at(next, "spec", "volumeMode"))]),
    ];
  },
};

const volumeSources = new Set([
  "awsElasticBlockStore",
  "azureDisk",
  "azureFile",
  "cephfs",
  "cinder",
  "csi",
  "fc",
  "flexVolume",
  "flocker",
  "gcePersistentDisk",
  "glusterfs",
  "hostPath",
  "iscsi",
  "local",
  "nfs",
  "photonPersistentDisk",
  "portworxVolume",
  "quobyte",
  "rbd",
  "scaleIO",
  "storageos",
  "vsphereVolume",
]);

const csiErrors = (csi: JsonObject): FieldError[] => [
  ...(textAt(csi, "driver") === "" ? [required("spec.csi.driver")] : []),
  ...(textAt(csi, "volumeHandle") === "" ? [required("spec.csi.volumeHandle")] : []),
];

const volumeModeErrors = (spec: JsonObject): FieldError[] => {
  const mode = textAt(spec, "volumeMode");
  return ["", "Block", "Filesystem"].includes(mode)
    ? []
    : [notSupported("spec.volumeMode", mode, ["Block", "Filesystem"])];
};

function addFinalizer(object: JsonObject, finalizer: string): void {
  const meta = objectAt(object, "metadata");
  const finalizers = textsAt(meta, "finalizers");
  if (!finalizers.includes(finalizer)) meta["finalizers"] = [...finalizers, finalizer];
}

export const claimKind: BuiltinKind = {
  group: "",
  resource: "persistentvolumeclaims",
  struct: "core.v1.PersistentVolumeClaim",
  extra: { returnsDeleted: true },
  checkName: dnsSubdomain,
  defaults(object) {
    const spec = objectAt(object, "spec");
    fill(spec, "volumeMode", "Filesystem");
    mirrorSource(spec);
    object["spec"] = spec;
    const status = objectAt(object, "status");
    fill(status, "phase", "Pending", "");
    object["status"] = status;
  },
  prepareCreate(next) {
    next["status"] = { phase: "Pending" };
    addFinalizer(next, "kubernetes.io/pvc-protection");
  },
  prepareUpdate: (next, old) => keepField(next, old, "status"),
  validate(object) {
    const spec = objectAt(object, "spec");
    const asked = textAt(spec, "resources", "requests", "storage");
    const size = parseQuantity(asked);
    return [
      ...accessModeErrors(textsAt(spec, "accessModes"), "spec.accessModes", "at least 1 access mode is required"),
      ...(size === undefined ? [required("spec.resources[storage]")] : []),
      ...(size !== undefined && size.nano <= 0n
        ? [invalid("spec.resources[storage]", asked, "must be greater than zero")]
        : []),
      ...(spec["storageClassName"] === undefined || textAt(spec, "storageClassName") === ""
        ? []
        : dnsSubdomain(textAt(spec, "storageClassName")).map((why) =>
            invalid("spec.storageClassName", textAt(spec, "storageClassName"), why),
          )),
      ...volumeModeErrors(spec),
      ...dataSourceErrors(spec),
    ];
  },
  validateUpdate(next, old) {
    const errors: FieldError[] = [];
    const before = objectAt(old, "spec");
    const after = objectAt(next, "spec");
    const free = new Set([
      ...(textAt(before, "volumeName") === "" ? ["volumeName"] : []),
      ...(before["storageClassName"] === undefined ? ["storageClassName"] : []),
      ...(textAt(next, "status", "phase") === "Bound" ? ["resources", "volumeAttributesClassName"] : []),
    ]);
    const fixed = (spec: JsonObject): JsonObject =>
      Object.fromEntries(Object.entries(spec).filter(([field]) => !free.has(field)));
    if (!equalSemantic(fixed(after), fixed(before))) {
      errors.push(
        forbidden(
          "spec",
          "spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims",
        ),
      );
    }
    const size = (each: JsonObject, ...path: string[]) => parseQuantity(textAt(each, ...path));
    const smaller = size(after, "resources", "requests", "storage");
    const bigger = size(before, "resources", "requests", "storage");
    const status = size(old, "status", "capacity", "storage") ?? { nano: 0n, style: "decimal" as const };
    if (smaller && bigger && compareQuantities(smaller, bigger) < 0 && compareQuantities(smaller, status) <= 0) {
      errors.push(forbidden("spec.resources.requests.storage", "field can not be less than status.capacity"));
    }
    if (!equalSemantic(before["volumeMode"], after["volumeMode"]))
      errors.push(immutable("volumeMode", after["volumeMode"]));
    return errors;
  },
};

/** dataSource and dataSourceRef say the same where only one is given. */
function mirrorSource(spec: JsonObject): void {
  const source = spec["dataSource"];
  const reference = spec["dataSourceRef"];
  if (isObject(source) && reference === undefined) spec["dataSourceRef"] = source;
  if (isObject(reference) && source === undefined && reference["namespace"] === undefined && isKnownSource(reference)) {
    spec["dataSource"] = reference;
  }
}

const isKnownSource = (source: JsonObject): boolean => {
  const what = `${textAt(source, "apiGroup")}/${textAt(source, "kind")}`;
  return what === "/PersistentVolumeClaim" || what === "snapshot.storage.k8s.io/VolumeSnapshot";
};

function dataSourceErrors(spec: JsonObject): FieldError[] {
  return ["dataSource", "dataSourceRef"].flatMap((field) => {
    const source = spec[field];
    if (!isObject(source)) return [];
    const path = `spec.${field}`;
    return [
      ...(textAt(source, "name") === "" ? [required(`${path}.name`)] : []),
      ...(textAt(source, "kind") === "" ? [required(`${path}.kind`)] : []),
      ...(textAt(source, "apiGroup") === "" &&
      textAt(source, "kind") !== "PersistentVolumeClaim" &&
      textAt(source, "kind") !== ""
        ? [
            invalid(
              path,
              textAt(source, "kind"),
              "must be 'PersistentVolumeClaim' when referencing the default apiGroup",
            ),
          ]
        : []),
    ];
  });
}
