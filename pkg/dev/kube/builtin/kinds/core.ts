import { immutable } from "../../registry/object-meta.ts";
import { type FieldError, forbidden, invalid, key, required, tooLong } from "../../wire/field-error.ts";
import {
  at,
  equalSemantic,
  isObject,
  type JsonObject,
  listAt,
  objectAt,
  setOwn,
  textAt,
  textsAt,
} from "../../wire/json.ts";
import { dataKey, dnsLabel, dnsSubdomain } from "../../wire/names.ts";
import { type BuiltinKind, keepField } from "../built-in-kind.ts";
import { fill } from "../codec.ts";

const dataLimit = 1024 * 1024;
const frozen = "field is immutable when `immutable` is set";
const unsupported = (field: string): string => `field label not supported: ${field}`;

function frozenErrors(next: JsonObject, old: JsonObject, fields: readonly string[]): FieldError[] {
  if (old["immutable"] !== true) return [];
  return [
    ...(next["immutable"] === true ? [] : [forbidden("immutable", frozen)]),
    ...fields.filter((field) => !equalSemantic(next[field], old[field])).map((field) => forbidden(field, frozen)),
  ];
}

export const namespaceKind: BuiltinKind = {
  group: "",
  resource: "namespaces",
  struct: "core.v1.Namespace",
  checkName: dnsLabel,
  hasStatus: true,
  defaults(object) {
    const meta = objectAt(object, "metadata");
    if (textAt(meta, "name") !== "") {
      const labels = objectAt(meta, "labels");
      labels["kubernetes.io/metadata.name"] = textAt(meta, "name");
      meta["labels"] = labels;
    }
  },
  prepareCreate(next) {
    next["status"] = { phase: "Active" };
    const finalizers = textsAt(next, "spec", "finalizers");
    next["spec"] = { finalizers: finalizers.includes("kubernetes") ? finalizers : [...finalizers, "kubernetes"] };
    const meta = objectAt(next, "metadata");
    meta["labels"] = { ...objectAt(meta, "labels"), "kubernetes.io/metadata.name": textAt(meta, "name") };
  },
  prepareUpdate: (next, old) => keepField(next, old, "spec"),
  fields: {
    "status.phase": (object) => textAt(object, "status", "phase"),
    name: (object) => textAt(object, "metadata", "name"),
  },
  unknownField: unsupported,
  extra: {
    mustStay: (next) => textsAt(next, "spec", "finalizers").length > 0,
    returnsDeleted: true,
  },
};

export const configMapKind: BuiltinKind = {
  group: "",
  resource: "configmaps",
  struct: "core.v1.ConfigMap",
  checkName: dnsSubdomain,
  validate(object) {
    const data = objectAt(object, "data");
    const binary = objectAt(object, "binaryData");
    const keyErrors = (field: string, each: string): FieldError[] =>
      dataKey(each).map((why) => invalid(key(field, each), each, why));
    const size =
      Object.values(data).reduce((sum: number, value) => sum + Buffer.byteLength(String(value)), 0) +
      Object.values(binary).reduce((sum: number, value) => sum + Buffer.byteLength(String(value), "base64"), 0);
    return [
      ...Object.keys(data).flatMap((each) => [
        ...keyErrors("data", each),
        ...(each in binary ? [invalid(key("data", each), each, "duplicate of key present in binaryData")] : []),
      ]),
      ...Object.keys(binary).flatMap((each) => keyErrors("binaryData", each)),
      ...(size > dataLimit ? [tooLong("[]", dataLimit)] : []),
    ];
  },
  validateUpdate: (next, old) => frozenErrors(next, old, ["data", "binaryData"]),
};

const requiredKeys: Readonly<Record<string, readonly string[]>> = {
  "kubernetes.io/dockercfg": [".dockercfg"],
  "kubernetes.io/dockerconfigjson": [".dockerconfigjson"],
  "kubernetes.io/ssh-auth": ["ssh-privatekey"],
  "kubernetes.io/tls": ["tls.crt", "tls.key"],
};

function secretTypeErrors(object: JsonObject): FieldError[] {
  const data = objectAt(object, "data");
  const type = textAt(object, "type");
  const account = "kubernetes.io/service-account.name";
  if (type === "kubernetes.io/service-account-token" && textAt(object, "metadata", "annotations", account) === "") {
    return [required(key("metadata.annotations", account))];
  }
  if (type === "kubernetes.io/basic-auth" && !("username" in data) && !("password" in data)) {
    return [required(key("data", "username")), required(key("data", "password"))];
  }
  const missing = (requiredKeys[type] ?? []).filter(
    (each) => !(each in data) || (type === "kubernetes.io/ssh-auth" && data[each] === ""),
  );
  if (missing.length > 0) return missing.map((each) => required(key("data", each)));
  return type.startsWith("kubernetes.io/dockerc") ? jsonErrors(requiredKeys[type]?.[0] ?? "", data) : [];
}

function jsonErrors(field: string, data: JsonObject): FieldError[] {
  const text = Buffer.from(String(data[field] ?? ""), "base64").toString("utf8");
  try {
    if (isObject(JSON.parse(text))) return [];
  } catch {
    // the refusal below says what is wrong
  }
  const why =
    text === "" ? "unexpected end of JSON input" : `invalid character '${text[0]}' looking for beginning of value`;
  return [invalid(key("data", field), "<secret contents redacted>", why)];
}

export const secretKind: BuiltinKind = {
  group: "",
  resource: "secrets",
  struct: "core.v1.Secret",
  checkName: dnsSubdomain,
  defaults(object) {
    fill(object, "type", "Opaque", "");
    const clear = object["stringData"];
    if (isObject(clear)) {
      const data = objectAt(object, "data");
      for (const [each, value] of Object.entries(clear))
        setOwn(data, each, Buffer.from(String(value)).toString("base64"));
      object["data"] = data;
    }
    delete object["stringData"];
  },
  prepareUpdate(next, old) {
    if (textAt(next, "type") === "") keepField(next, old, "type");
  },
  validate(object) {
    const data = objectAt(object, "data");
    const size = Object.values(data).reduce(
      (sum: number, value) => sum + Buffer.byteLength(String(value), "base64"),
      0,
    );
    return [
      ...Object.keys(data).flatMap((each) => dataKey(each).map((why) => invalid(key("data", each), each, why))),
      ...(size > dataLimit ? [tooLong("data", dataLimit)] : []),
      ...secretTypeErrors(object),
    ];
  },
  validateUpdate: (next, old) => [
    ...(textAt(next, "type") === textAt(old, "type") ? [] : [immutable("type", next["type"])]),
    ...frozenErrors(next, old, ["data"]),
  ],
  fields: { type: (object) => textAt(object, "type") },
  unknownField: unsupported,
};

export const serviceAccountKind: BuiltinKind = {
  group: "",
  resource: "serviceaccounts",
  struct: "core.v1.ServiceAccount",
  checkName: dnsSubdomain,
  extra: { returnsDeleted: true },
};

const notReady = { key: "node.kubernetes.io/not-ready", effect: "NoSchedule" };

export const nodeKind: BuiltinKind = {
  group: "",
  resource: "nodes",
  struct: "core.v1.Node",
  checkName: dnsSubdomain,
  prepareCreate(next) {
    const spec = objectAt(next, "spec");
    delete spec["configSource"];
    // A node is not ready until its kubelet says so.
    const taints = listAt(spec, "taints");
    const isMarked = taints.some(
      (each) => textAt(each, "key") === notReady.key && textAt(each, "effect") === "NoSchedule",
    );
    if (!isMarked) spec["taints"] = [...taints, { ...notReady }];
    next["spec"] = spec;
  },
  hasStatus: false,
  prepareUpdate: (next, old) => keepField(next, old, "status"),
  fields: { "spec.unschedulable": (object) => String(at(object, "spec", "unschedulable") === true) },
  unknownField: unsupported,
};
