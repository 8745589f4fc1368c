import { immutable } from "../../registry/object-meta.ts";
import type { FieldError } from "../../wire/field-error.ts";
import { invalid, required } from "../../wire/field-error.ts";
import { at, equalSemantic, isObject, type Json, type JsonObject, objectAt, textAt } from "../../wire/json.ts";
import { dnsSubdomain, qualifiedName } from "../../wire/names.ts";
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

/** The rules that hold in both groups; `controller` is what the group calls the reporting controller. */
function commonErrors(object: JsonObject, controller: string): FieldError[] {
  const namespace = textAt(object, "metadata", "namespace");
  const involved = textAt(object, "involvedObject", "namespace");
  const elsewhere = [invalid("involvedObject.namespace", involved, "does not match event.namespace")];
  if (!at(object, "eventTime")) {
    return involved === namespace || (involved === "" && namespace === "default") ? [] : elsewhere;
  }
  const name = textAt(object, "reportingComponent");
  const free = involved !== "" || namespace === "default" || namespace === "kube-system";
  return [
    ...(free ? [] : elsewhere),
    ...(name === "" ? [required(controller)] : []),
    ...qualifiedName(name).map((why) => invalid(controller, name, why)),
    ...["reportingInstance", "action", "reason"].flatMap((field) => [
      ...(textAt(object, field) === "" ? [required(field)] : []),
      ...tooLong(object, field, 128),
    ]),
    ...tooLong(object, "message", 1024),
  ];
}

const tooLong = (object: JsonObject, field: string, limit: number): FieldError[] =>
  Buffer.byteLength(textAt(object, field)) > limit ? [invalid(field, "", `can have at most ${limit} characters`)] : [];

/** What a new event of events.k8s.io must not have, since only old events have it. */
function newOnlyErrors(object: JsonObject): FieldError[] {
  const source = objectAt(object, "source");
  const unset = (field: string, isSet: boolean) => (isSet ? [invalid(field, "", "needs to be unset")] : []);
  return [
    ...seriesErrors(object),
    ...(at(object, "eventTime") ? [] : [required("eventTime")]),
    ...typeErrors(object),
    ...unset("firstTimestamp", Boolean(at(object, "firstTimestamp"))),
    ...unset("lastTimestamp", Boolean(at(object, "lastTimestamp"))),
    ...unset("count", !isEmpty(at(object, "count"))),
    ...unset("source", textAt(source, "component") !== "" || textAt(source, "host") !== ""),
  ];
}

function seriesErrors(object: JsonObject): FieldError[] {
  const series = at(object, "series");
  if (!isObject(series)) return [];
  return [
    ...(Number(series["count"] ?? 0) < 2 ? [invalid("series.count", "", "should be at least 2")] : []),
    ...(series["lastObservedTime"] ? [] : [required("series.lastObservedTime")]),
  ];
}

/** In the order, and with the repetition, of the real server. */
const fixed = [
  "involvedObject",
  "reason",
  "message",
  "source",
  "firstTimestamp",
  "lastTimestamp",
  "count",
  "reason",
  "type",
  "eventTime",
  "action",
  "related",
  "reportingComponent",
  "reportingInstance",
] as const;

function fixedErrors(next: JsonObject, old: JsonObject): FieldError[] {
  return fixed
    .filter((field) => !equalSemantic(next[field], old[field]))
    .map((field) => immutable(field === "reportingComponent" ? "reportingController" : field, next[field]));
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
  validate: (object) => commonErrors(object, "reportingComponent"),
  fields: fields ?? {},
  unknownField: (field) => `field label not supported: ${field}`,
};

export const eventKind: BuiltinKind = {
  ...common,
  group: "events.k8s.io",
  struct: "events.v1.Event",
  validate: (object) => commonErrors(object, "reportingController"),
  validateCreate: newOnlyErrors,
  validateUpdate: (next, old) => [
    ...(equalSemantic(next["series"], old["series"]) ? [] : seriesErrors(next)),
    ...fixedErrors(next, old),
  ],
  fields: regardingFields ?? {},
  unknownField: (field) => `field label not supported: ${field}`,
};
