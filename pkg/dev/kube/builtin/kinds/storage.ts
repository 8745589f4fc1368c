import { metaOf } from "../../registry/context.ts";
import { immutable } from "../../registry/object-meta.ts";
import {
  duplicate,
  type FieldError,
  forbidden,
  index,
  invalid,
  notSupported,
  required,
  tooLong,
} from "../../wire/field-error.ts";
import {
  at,
  equalSemantic,
  isObject,
  type Json,
  type JsonObject,
  listAt,
  objectAt,
  textAt,
  textsAt,
} from "../../wire/json.ts";
import { dnsSubdomain, qualifiedName } from "../../wire/names.ts";
import { type BuiltinKind, keepField } from "../built-in-kind.ts";
import { fill } from "../codec.ts";

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
  prepareUpdate(next, old) {
    if (equalSemantic(next["spec"], old["spec"])) return;
    metaOf(next)["generation"] = Number(at(old, "metadata", "generation") ?? 0) + 1;
  },
  validate: (object) => driverErrors(objectAt(object, "spec")),
  validateUpdate: (next, old) =>
    [
      // The real server misspells the first one.
      ["attachRequired", "attachedRequired"] as const,
      ["volumeLifecycleModes", "volumeLifecycleModes"] as const,
    ]
      .filter(([field]) => !equalSemantic(at(next, "spec", field), at(old, "spec", field)))
      .map(([field, told]) => immutable(`spec.${told}`, at(next, "spec", field))),
};

const policies = ["File", "None", "ReadWriteOnceWithFSType"];

function driverErrors(spec: JsonObject): FieldError[] {
  const policy = textAt(spec, "fsGroupPolicy");
  const period = spec["nodeAllocatableUpdatePeriodSeconds"];
  return [
    ...(policies.includes(policy) ? [] : [notSupported("spec.fsGroupPolicy", policy, policies)]),
    ...tokenErrors(listAt(spec, "tokenRequests")),
    ...textsAt(spec, "volumeLifecycleModes")
      .filter((mode) => mode !== "Persistent" && mode !== "Ephemeral")
      .map((mode) => notSupported("spec.volumeLifecycleModes", mode, ["Persistent", "Ephemeral"])),
    ...(period !== undefined && period !== null && Number(period) < 10
      ? [invalid("spec.nodeAllocatableUpdatePeriodSeconds", period, "must be greater than or equal to 10 seconds")]
      : []),
  ];
}

function tokenErrors(requests: readonly Json[]): FieldError[] {
  const audiences = requests.map((each) => textAt(each, "audience"));
  return requests.flatMap((each, position) => {
    const path = index("spec.tokenRequests", position);
    const audience = audiences[position] ?? "";
    if (audiences.indexOf(audience) < position) return [duplicate(`${path}.audience`, audience)];
    const seconds = at(each, "expirationSeconds") ?? undefined;
    if (seconds === undefined) return [];
    const wrong = (why: string) => [invalid(`${path}.expirationSeconds`, seconds, why)];
    if (Number(seconds) < 600) return wrong("may not specify a duration less than 10 minutes");
    return Number(seconds) > 2 ** 32 ? wrong("may not specify a duration larger than 2^32 seconds") : [];
  });
}

export const csiNodeKind: BuiltinKind = {
  group: "storage.k8s.io",
  resource: "csinodes",
  struct: "storage.v1.CSINode",
  extra: { returnsDeleted: true },
  checkName: dnsSubdomain,
  unconditionalUpdate: false,
  validate: (object) => nodeDriverErrors(listAt(object, "spec", "drivers")),
  validateUpdate: (next, old) => listAt(old, "spec", "drivers").flatMap((each) => changedDriver(each, next)),
};

function nodeDriverErrors(drivers: readonly Json[]): FieldError[] {
  const names = drivers.map((each) => textAt(each, "name"));
  return drivers.flatMap((driver, position) => {
    const path = index("spec.drivers", position);
    const name = names[position] ?? "";
    const id = textAt(driver, "nodeID");
    const keys = textsAt(driver, "topologyKeys");
    return [
      ...(name === "" ? [required(`${path}.name`)] : driverNameErrors(name, `${path}.name`)),
      ...(id === "" ? [required(`${path}.nodeID`)] : []),
      ...(Buffer.byteLength(id) > 256 ? [invalid(`${path}.nodeID`, id, "must be 256 characters or less")] : []),
      ...(names.indexOf(name) < position ? [duplicate(`${path}.name`, name)] : []),
      ...keys.flatMap((each, place) => [
        ...(each === "" ? [required(path)] : []),
        ...(keys.indexOf(each) < place ? [duplicate(path, each)] : []),
        ...qualifiedName(each).map((why) => invalid(path, each, why)),
      ]),
    ];
  });
}

const driverNameErrors = (name: string, path: string): FieldError[] => [
  ...(name.length > 63 ? [tooLong(path, 63)] : []),
  ...dnsSubdomain(name.toLowerCase()).map((why) => invalid(path, name, why)),
];

/** A registered driver stays as it is, but for how many volumes it can take. */
function changedDriver(before: Json, next: JsonObject): FieldError[] {
  const after = listAt(next, "spec", "drivers").find((each) => textAt(each, "name") === textAt(before, "name"));
  if (!isObject(before) || !isObject(after)) return [];
  const fixed = ({ allocatable: _allocatable, ...rest }: JsonObject): JsonObject => rest;
  return equalSemantic(fixed(before), fixed(after)) ? [] : [immutable("spec.drivers", fixed(after))];
}

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
