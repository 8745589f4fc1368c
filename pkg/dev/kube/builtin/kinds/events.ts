import type { FieldError } from "../../wire/field-error.ts";
import { invalid, required } from "../../wire/field-error.ts";
import { at, type Json, type JsonObject, textAt } from "../../wire/json.ts";
import { dnsSubdomain } from "../../wire/names.ts";
import type { BuiltinKind } from "../built-in-kind.ts";

/** Names of the same field in events.k8s.io/v1 and in core/v1; events are stored as core/v1. */
const renamed: readonly (readonly [string, string])[] = [
  ["regarding", "involvedObject"],
  ["note", "message"],
  ["deprecatedSource", "source"],
  ["deprecatedFirstTimestamp", "firstTimestamp"],
  ["deprecatedLastTimestamp", "lastTimestamp"],
  ["deprecatedCount", "count"],
  ["reportingController", "reportingComponent"],
];

const rename = (object: JsonObject, from: 0 | 1): JsonObject => {
  const names = new Map(renamed.map((pair) => [pair[from], pair[1 - from] ?? ""]));
  return Object.fromEntries(Object.entries(object).map(([field, value]) => [names.get(field) ?? field, value]));
};

/** events.k8s.io/v1 to the stored form. */
export const eventToStored = (object: JsonObject): JsonObject => fillCore(rename(object, 0));

/** The stored form to events.k8s.io/v1. */
export const eventFromStored = (stored: JsonObject): JsonObject => {
  const result = rename(stored, 1);
  for (const field of ["reportingInstance", "reportingController"]) if (result[field] === "") delete result[field];
  if (isEmpty(result["deprecatedCount"])) delete result["deprecatedCount"];
  return { ...result, regarding: result["regarding"] ?? {}, deprecatedSource: result["deprecatedSource"] ?? {} };
};

function fillCore(object: JsonObject): JsonObject {
  return {
    ...object,
    involvedObject: object["involvedObject"] ?? {},
    source: object["source"] ?? {},
    firstTimestamp: object["firstTimestamp"] ?? null,
    lastTimestamp: object["lastTimestamp"] ?? null,
    reportingComponent: object["reportingComponent"] ?? "",
    reportingInstance: object["reportingInstance"] ?? "",
  };
}

const isEmpty = (value: Json | undefined): boolean => value === undefined || value === 0 || value === null;

function legacyErrors(object: JsonObject): FieldError[] {
  const namespace = textAt(object, "metadata", "namespace");
  const involved = textAt(object, "involvedObject", "namespace");
  if (involved === namespace || (involved === "" && namespace === "default")) return [];
  return [invalid("involvedObject.namespace", involved, "does not match event.namespace")];
}

function newErrors(object: JsonObject): FieldError[] {
  const errors: FieldError[] = [];
  if (textAt(object, "reportingComponent") === "") errors.push(required("reportingController"));
  if (textAt(object, "reportingInstance") === "") errors.push(required("reportingInstance"));
  if (textAt(object, "action") === "") errors.push(required("action"));
  if (textAt(object, "reason") === "") errors.push(required("reason"));
  return errors;
}

function typeErrors(object: JsonObject): FieldError[] {
  const type = textAt(object, "type");
  return type === "Normal" || type === "Warning" ? [] : [invalid("type", "", `has invalid value: ${type}`)];
}

const fields: BuiltinKind["fields"] = Object.fromEntries([
  ...["kind", "namespace", "name", "uid", "apiVersion", "resourceVersion", "fieldPath"].map(
    (field) => [`involvedObject.${field}`, (object: JsonObject) => textAt(object, "involvedObject", field)] as const,
  ),
  ["reason", (object: JsonObject) => textAt(object, "reason")] as const,
  ["reportingComponent", (object: JsonObject) => textAt(object, "reportingComponent")] as const,
  [
    "source",
    (object: JsonObject) => textAt(object, "source", "component") || textAt(object, "reportingComponent"),
  ] as const,
  ["type", (object: JsonObject) => textAt(object, "type")] as const,
]);

const regardingFields: BuiltinKind["fields"] = Object.fromEntries(
  Object.entries(fields ?? {}).map(([field, read]) => [
    field.replace("involvedObject.", "regarding.").replace("reportingComponent", "reportingController"),
    read,
  ]),
);

const common = {
  resource: "events",
  checkName: dnsSubdomain,
  createOnUpdate: true,
} as const;

export const coreEventKind: BuiltinKind = {
  ...common,
  group: "",
  struct: "core.v1.Event",
  validate: (object) => [...(at(object, "eventTime") ? newErrors(object) : []), ...legacyErrors(object)],
  fields: fields ?? {},
  unknownField: (field) => `field label not supported: ${field}`,
};

export const eventKind: BuiltinKind = {
  ...common,
  group: "events.k8s.io",
  struct: "events.v1.Event",
  validate: (object) => [
    ...(at(object, "eventTime") ? newErrors(object) : []),
    ...legacyErrors(object),
    ...(at(object, "eventTime") ? [] : [required("eventTime")]),
    ...typeErrors(object),
  ],
  fields: regardingFields ?? {},
  unknownField: (field) => `field label not supported: ${field}`,
};
