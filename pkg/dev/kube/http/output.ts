import type { Resource } from "../registry/resource.ts";
import { apiVersion } from "../registry/resource.ts";
import { partial, table } from "../tables/table.ts";
import type { JsonObject } from "../wire/json.ts";
import { textAt } from "../wire/json.ts";
import { ApiFailure, badRequest } from "../wire/status.ts";
import type { OutputForm } from "./negotiate.ts";

/** Everything that shapes an answer about objects of a resource. */
export interface Shape {
  readonly resource: Resource;
  readonly form: OutputForm;
  readonly include: "None" | "Metadata" | "Object";
  readonly noHeaders: boolean;
  readonly now: number;
}

/** Reads `includeObject` of Table requests. Throws on other values. */
export function includeOf(query: URLSearchParams, form: OutputForm): Shape["include"] {
  const value = query.get("includeObject") ?? "";
  if (form.as !== "Table" || value === "") return "Metadata";
  if (value === "None" || value === "Metadata" || value === "Object") return value;
  const why = `Invalid value: ${JSON.stringify(value)}: must be 'Metadata', 'Object', 'None', or empty`;
  throw badRequest(`Unable to convert to Table as requested: includeObject: ${why}`);
}

/** One object in the asked form. */
export function shapeOne(stored: JsonObject, shape: Shape): JsonObject {
  const { form, resource } = shape;
  switch (form.as) {
    case "object":
      return resource.codec.write(stored);
    case "Table":
      return asTable([stored], { resourceVersion: textAt(stored, "metadata", "resourceVersion") }, shape);
    case "PartialObjectMetadata":
      return partial(stored, form.metaVersion);
    case "PartialObjectMetadataList":
      throw wrongNumber("PartialObjectMetadataList", `is not a list (*${goType(resource)})`);
  }
}

/** A list in the asked form. */
export function shapeList(items: readonly JsonObject[], listMeta: JsonObject, shape: Shape): JsonObject {
  const { form, resource } = shape;
  switch (form.as) {
    case "object":
      return {
        kind: resource.listKind,
        apiVersion: apiVersion(resource),
        // Lists of custom objects always say whether they go on.
        metadata: resource.custom ? { continue: "", ...listMeta } : listMeta,
        items: items.map((each) => listItem(resource.codec.write(each), resource)),
      };
    case "Table":
      return asTable(items, listMeta, shape);
    case "PartialObjectMetadataList":
      return {
        kind: "PartialObjectMetadataList",
        apiVersion: `meta.k8s.io/${form.metaVersion}`,
        metadata: listMeta,
        items: items.length === 0 ? null : items.map((each) => partial(each, form.metaVersion)),
      };
    case "PartialObjectMetadata":
      throw wrongNumber("PartialObjectMetadata", `is a list (*${goType(resource)}List)`);
  }
}

const wrongNumber = (wanted: string, but: string): ApiFailure =>
  new ApiFailure(406, "NotAcceptable", `you requested ${wanted}, but the requested object ${but}`);

/** The real server names its internal types in some messages. */
function goType(resource: Resource): string {
  if (resource.custom) return "unstructured.Unstructured";
  return `${resource.group === "" || resource.kind === "Event" ? "core" : resource.group.split(".")[0]}.${resource.kind}`;
}

function asTable(
  objects: readonly JsonObject[],
  listMeta: JsonObject,
  { resource, form, include, noHeaders, now }: Shape,
): JsonObject {
  const columns = resource.columns;
  return table({
    columns,
    objects,
    listMeta,
    metaVersion: form.metaVersion,
    include,
    noHeaders,
    now,
    write: resource.codec.write,
  });
}

/** Items of built-in lists do not repeat their kind; those of custom ones do. */
function listItem(object: JsonObject, resource: Resource): JsonObject {
  if (resource.custom) return object;
  const { kind: _kind, apiVersion: _version, ...rest } = object;
  return rest;
}
