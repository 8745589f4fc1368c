import { byBytes, isObject, type Json, type JsonObject } from "../wire/json.ts";
import { isEmbedded, itemsOf, preserves, propertiesOf, type Schema, valuesOf } from "./schema.ts";

const always = new Set(["apiVersion", "kind", "metadata"]);

/** Removes, in place, what the schema does not name; returns the paths of what went. */
export function prune(object: JsonObject, schema: Schema): string[] {
  const gone: string[] = [];
  pruneObject(object, schema, true, "", gone);
  return gone.sort(byBytes);
}

function pruneValue(value: Json, schema: Schema, path: string, gone: string[]): void {
  if (Array.isArray(value)) {
    const items = itemsOf(schema);
    value.forEach((each, index) => {
      if (items !== undefined) pruneValue(each, items, `${path}[${index}]`, gone);
      else if (!preserves(schema)) pruneValue(each, {}, `${path}[${index}]`, gone);
    });
  } else if (isObject(value)) pruneObject(value, schema, isEmbedded(schema), path, gone);
}

function pruneObject(object: JsonObject, schema: Schema, resource: boolean, path: string, gone: string[]): void {
  const properties = propertiesOf(schema);
  const values = valuesOf(schema);
  for (const [key, value] of Object.entries(object)) {
    if (resource && always.has(key)) continue;
    const inner = path === "" ? key : `${path}.${key}`;
    const property = Object.hasOwn(properties, key) ? properties[key] : undefined;
    if (property !== undefined) pruneValue(value, property, inner, gone);
    else if (values !== undefined) pruneValue(value, values, inner, gone);
    else if (!preserves(schema)) {
      delete object[key];
      gone.push(inner);
    }
  }
}
