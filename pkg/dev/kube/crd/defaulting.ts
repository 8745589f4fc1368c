import { copy, isObject, type Json, type JsonObject } from "../wire/json.ts";
import { itemsOf, preserves, propertiesOf, type Schema, valuesOf } from "./schema.ts";

/** Fills in, in place, the defaults of a structural schema. */
export function applyDefaults(value: Json, schema: Schema): void {
  if (Array.isArray(value)) {
    const items = itemsOf(schema);
    if (items) for (const each of value) applyDefaults(each, items);
  } else if (isObject(value)) defaultObject(value, schema);
}

/** Removes, in place, nulls that the schema neither allows nor replaces by a default. */
export function dropNulls(value: Json, schema: Schema | undefined): void {
  if (Array.isArray(value)) {
    for (const each of value) dropNulls(each, schema && itemsOf(schema));
    return;
  }
  if (!isObject(value)) return;
  for (const [key, each] of Object.entries(value)) {
    const inner = schema && (propertiesOf(schema)[key] ?? valuesOf(schema));
    const unwanted =
      each === null && inner !== undefined && inner["nullable"] !== true && inner["default"] === undefined;
    if (unwanted && !preserves(inner)) delete value[key];
    else dropNulls(each, inner);
  }
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
