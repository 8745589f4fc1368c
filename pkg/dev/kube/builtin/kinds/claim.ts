import { immutable } from "../../registry/object-meta.ts";
import { child, type FieldError, forbidden, index, invalid, required } from "../../wire/field-error.ts";
import {
  at,
  copy,
  equalSemantic,
  isObject,
  type JsonObject,
  listAt,
  objectAt,
  textAt,
  textsAt,
} from "../../wire/json.ts";
import { dnsSubdomain, labelValue, qualifiedName } from "../../wire/names.ts";
import { type BuiltinKind, keepField } from "../built-in-kind.ts";
import { fill } from "../codec.ts";
import { dumpDiff, plain, pointer, struct } from "../go-dump.ts";
import { compareQuantities, parseQuantity } from "../quantity.ts";
import { accessModeErrors, addFinalizer, volumeModeErrors } from "./volume-parts.ts";

const reference = [
  ["APIGroup", "apiGroup"],
  ["Kind", "kind", plain("")],
  ["Name", "name", plain("")],
] as const;

const specDump = struct(
  ["AccessModes", "accessModes"],
  ["Selector", "selector"],
  ["Resources", "resources", struct(["Limits", "limits"], ["Requests", "requests"])],
  ["VolumeName", "volumeName", plain("")],
  ["StorageClassName", "storageClassName"],
  ["VolumeMode", "volumeMode"],
  ["DataSource", "dataSource", pointer(struct(...reference))],
  ["DataSourceRef", "dataSourceRef", pointer(struct(...reference, ["Namespace", "namespace"]))],
  ["VolumeAttributesClassName", "volumeAttributesClassName"],
);

const storageOf = (object: JsonObject, ...path: string[]) => parseQuantity(textAt(object, ...path, "storage"));

export const claimKind: BuiltinKind = {
  group: "",
  resource: "persistentvolumeclaims",
  struct: "core.v1.PersistentVolumeClaim",
  extra: { returnsDeleted: true, warnings: fractionWarnings },
  checkName: dnsSubdomain,
  defaults(object) {
    const spec = objectAt(object, "spec");
    fill(spec, "volumeMode", "Filesystem");
    object["spec"] = spec;
    const status = objectAt(object, "status");
    fill(status, "phase", "Pending", "");
    object["status"] = status;
  },
  prepareCreate(next) {
    next["status"] = { phase: "Pending" };
    addFinalizer(next, "kubernetes.io/pvc-protection");
    settleSources(objectAt(next, "spec"), {});
  },
  prepareUpdate(next, old) {
    keepField(next, old, "status");
    settleSources(objectAt(next, "spec"), objectAt(old, "spec"));
  },
  validate: (object) => specErrors(objectAt(object, "spec")),
  validateUpdate: (next, old) => [...changeErrors(next, old), ...sizeErrors(next, old), ...modeErrors(next, old)],
};

function specErrors(spec: JsonObject): FieldError[] {
  const asked = textAt(spec, "resources", "requests", "storage");
  const size = parseQuantity(asked);
  const storage = "spec.resources[storage]";
  const className = textAt(spec, "storageClassName");
  return [
    ...accessModeErrors(textsAt(spec, "accessModes"), "spec.accessModes", "at least 1 access mode is required"),
    ...selectorErrors(objectAt(spec, "selector"), "spec.selector"),
    ...(size === undefined ? [required(storage)] : []),
    ...(size !== undefined && size.nano <= 0n ? [invalid(storage, asked, "must be greater than zero")] : []),
    ...(className === "" ? [] : dnsSubdomain(className).map((why) => invalid("spec.storageClassName", className, why))),
    ...volumeModeErrors(spec),
    ...sourceErrors(spec),
  ];
}

/** Spec and sizes stay, but for what the volume controller and a bound claim may change. */
function changeErrors(next: JsonObject, old: JsonObject): FieldError[] {
  const before = copy(objectAt(old, "spec"));
  const after = copy(objectAt(next, "spec"));
  if (textAt(before, "volumeName") === "") keepField(before, after, "volumeName");
  if (before["storageClassName"] === undefined) delete after["storageClassName"];
  if (textAt(next, "status", "phase") === "Bound") {
    const requests = at(after, "resources", "requests");
    const asked = at(before, "resources", "requests", "storage");
    if (isObject(requests) && asked !== undefined) requests["storage"] = asked;
    keepField(after, before, "volumeAttributesClassName");
  }
  if (equalSemantic(after, before)) return [];
  const rule =
    "spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims";
  return [forbidden("spec", `${rule}\n${dumpDiff(specDump, before, after)}`)];
}

function sizeErrors(next: JsonObject, old: JsonObject): FieldError[] {
  const now = storageOf(next, "spec", "resources", "requests");
  const then = storageOf(old, "spec", "resources", "requests");
  const has = storageOf(old, "status", "capacity") ?? { nano: 0n, style: "decimal" as const };
  if (now === undefined || then === undefined || compareQuantities(now, then) >= 0) return [];
  if (compareQuantities(now, has) > 0) return [];
  return [forbidden("spec.resources.requests.storage", "field can not be less than status.capacity")];
}

function modeErrors(next: JsonObject, old: JsonObject): FieldError[] {
  const mode = at(next, "spec", "volumeMode");
  return equalSemantic(mode, at(old, "spec", "volumeMode")) ? [] : [immutable("volumeMode", mode)];
}

function selectorErrors(selector: JsonObject, path: string): FieldError[] {
  const labels = Object.entries(objectAt(selector, "matchLabels")).flatMap(([name, value]) => [
    ...qualifiedName(name).map((why) => invalid(`${path}.matchLabels`, name, why)),
    ...labelValue(String(value)).map((why) => invalid(`${path}.matchLabels`, value, why)),
  ]);
  return [
    ...labels,
    ...listAt(selector, "matchExpressions").flatMap((each, position) =>
      requirementErrors(isObject(each) ? each : {}, index(child(path, "matchExpressions"), position)),
    ),
  ];
}

function requirementErrors(requirement: JsonObject, path: string): FieldError[] {
  const operator = textAt(requirement, "operator");
  const name = textAt(requirement, "key");
  const values = textsAt(requirement, "values");
  const sets = operator === "In" || operator === "NotIn";
  const exists = operator === "Exists" || operator === "DoesNotExist";
  return [
    ...(sets && values.length === 0
      ? [required(`${path}.values`, "must be specified when `operator` is 'In' or 'NotIn'")]
      : []),
    ...(exists && values.length > 0
      ? [forbidden(`${path}.values`, "may not be specified when `operator` is 'Exists' or 'DoesNotExist'")]
      : []),
    ...(sets || exists ? [] : [invalid(`${path}.operator`, operator, "not a valid selector operator")]),
    ...qualifiedName(name).map((why) => invalid(`${path}.key`, name, why)),
    ...values.flatMap((each, at) => labelValue(each).map((why) => invalid(index(`${path}.values`, at), each, why))),
  ];
}

/**
 * dataSource and dataSourceRef say the same where only one is given. Sources that dataSource never allowed are
 * dropped, as are references into other namespaces, which are behind a feature gate that is off.
 */
function settleSources(spec: JsonObject, old: JsonObject): void {
  if (textAt(spec, "dataSourceRef", "namespace") !== "" && old["dataSourceRef"] === undefined) {
    delete spec["dataSourceRef"];
  }
  const inUse = old["dataSource"] !== undefined || old["dataSourceRef"] !== undefined;
  if (!inUse && spec["dataSourceRef"] === undefined && !isKnownSource(spec["dataSource"])) delete spec["dataSource"];
  const source = spec["dataSource"];
  const wide = spec["dataSourceRef"];
  if (isObject(source) && wide === undefined) spec["dataSourceRef"] = copy(source);
  if (isObject(wide) && source === undefined && textAt(wide, "namespace") === "") {
    const { namespace: _namespace, ...narrow } = wide;
    spec["dataSource"] = copy(narrow);
  }
}

function isKnownSource(source: JsonObject[string] | undefined): boolean {
  const what = `${textAt(source, "apiGroup")}/${textAt(source, "kind")}`;
  return what === "/PersistentVolumeClaim" || what === "snapshot.storage.k8s.io/VolumeSnapshot";
}

function sourceErrors(spec: JsonObject): FieldError[] {
  const source = spec["dataSource"];
  const wide = spec["dataSourceRef"];
  const own = ["dataSource", "dataSourceRef"].flatMap((field) => referenceErrors(spec[field], `spec.${field}`));
  if (!isObject(source) || !isObject(wide)) return own;
  if (textAt(wide, "namespace") !== "") {
    return [...own, invalid("spec", {}, "may not be specified when dataSourceRef.namespace is specified")];
  }
  const same = ["apiGroup", "kind", "name"].every((field) => equalSemantic(source[field], wide[field]));
  return same ? own : [...own, invalid("spec", {}, "must match dataSourceRef")];
}

function referenceErrors(source: JsonObject[string] | undefined, path: string): FieldError[] {
  if (!isObject(source ?? null)) return [];
  const group = textAt(source, "apiGroup");
  const kind = textAt(source, "kind");
  const why = "must be 'PersistentVolumeClaim' when referencing the default apiGroup";
  return [
    ...(textAt(source, "name") === "" ? [required(`${path}.name`)] : []),
    ...(kind === "" ? [required(`${path}.kind`)] : []),
    ...(group === "" && kind !== "PersistentVolumeClaim" ? [invalid(path, kind, why)] : []),
    ...(group === "" ? [] : dnsSubdomain(group).map((each) => invalid(`${path}.apiGroup`, group, each))),
  ];
}

function fractionWarnings(claim: JsonObject): string[] {
  return ["requests", "limits"].flatMap((field) => {
    const text = textAt(claim, "spec", "resources", field, "storage");
    const isWhole = (parseQuantity(text)?.nano ?? 0n) % 1_000_000_000n === 0n;
    const where = `spec.resources.${field}[storage]`;
    return isWhole ? [] : [`${where}: fractional byte value ${JSON.stringify(text)} is invalid, must be an integer`];
  });
}
