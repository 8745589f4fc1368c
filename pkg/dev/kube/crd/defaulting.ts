import { copy, isObject, type Json, type JsonObject } from "../wire/json.ts";
import { itemsOf, propertiesOf, type Schema, valuesOf } from "./schema.ts";

/** Fills in, in place, the defaults of a structural schema. */
export function applyDefaults(value: Json, schema: Schema): void {
  if (Array.isArray(value)) {
    const items = itemsOf(schema);
    if (items) for (const each of value) applyDefaults(each, items);
  } else if (isObject(value)) defaultObject(value, schema);
}

function defaultObject(object: JsonObject, schema: Schema): void {
  const properties = propertiesOf(schema);
  for (const [key, property] of Object.entries(properties)) {
    const fallback = property["default"];
    const current = Object.hasOwn(object, key) ? object[key] : undefined;
    if (fallback !== undefined && (current === undefined || (current === null && property["nullable"] !== true))) {
      object[key] = copy(fallback);
    }
    const value = object[key];
    if (value !== undefined && value !== null) applyDefaults(value, property);
  }
  const values = valuesOf(schema);
  if (values === undefined) return;
  for (const [key, value] of Object.entries(object)) if (!(key in properties)) applyDefaults(value, values);
}
