import { fieldDescription } from "../builtin/go-types.ts";
import { age } from "../tables/ages.ts";
import type { Column } from "../tables/columns.ts";
import { at, goJson, isObject, type Json, type JsonObject, listAt, sorted, textAt } from "../wire/json.ts";
import { evaluateJsonPath, parseJsonPath } from "./json-path.ts";

const nameColumn: Column = {
  name: "Name",
  type: "string",
  format: "name",
  description: fieldDescription("meta.v1.ObjectMeta.name"),
  priority: 0,
  cell: (object) => textAt(object, "metadata", "name"),
};

const fallback: JsonObject = {
  name: "Age",
  type: "date",
  description: fieldDescription("meta.v1.ObjectMeta.creationTimestamp"),
  jsonPath: ".metadata.creationTimestamp",
};

/** The Table columns of one version of a custom resource: name, and its own columns or the age. */
export function customColumns(version: Json): Column[] {
  const given = listAt(version, "additionalPrinterColumns").filter(isObject);
  return [nameColumn, ...(given.length === 0 ? [fallback] : given).map(columnOf)];
}

function columnOf(definition: JsonObject): Column {
  const path = textAt(definition, "jsonPath");
  const type = textAt(definition, "type");
  const parts = parseJsonPath(path);
  return {
    name: textAt(definition, "name"),
    type,
    format: textAt(definition, "format"),
    description: textAt(definition, "description") || `Custom resource definition column (in JSONPath format): ${path}`,
    priority: Number(at(definition, "priority") ?? 0),
    cell(object, now) {
      const value = parts === undefined ? undefined : evaluateJsonPath(parts, object)[0];
      return value === undefined ? null : cell(type, value, now);
    },
  };
}

function cell(type: string, value: Json, now: number): Json {
  switch (type) {
    case "integer":
      return typeof value === "number" ? Math.trunc(value) : typeof value === "bigint" ? value : null;
    case "number":
      return typeof value === "number" || typeof value === "bigint" ? value : null;
    case "boolean":
      return typeof value === "boolean" ? value : null;
    case "date":
      if (typeof value !== "string") return null;
      return Number.isNaN(Date.parse(value)) ? "<invalid>" : age(value, now);
    default:
      return typeof value === "string" ? value : value === null ? "" : goJson(sorted(value));
  }
}
