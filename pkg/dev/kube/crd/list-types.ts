import { child, duplicate, type FieldError, index } from "../wire/field-error.ts";
import { at, equalJson, isObject, type Json, type JsonObject, sorted } from "../wire/json.ts";
import { itemsOf, listKeys, propertiesOf, type Schema, valuesOf } from "./schema.ts";

/** Duplicates in lists of type set and map. */
export function listTypeErrors(schema: Schema, value: Json, path = ""): FieldError[] {
  if (Array.isArray(value)) {
    const items = itemsOf(schema);
    const inner =
      items === undefined ? [] : value.flatMap((each, position) => listTypeErrors(items, each, index(path, position)));
    return [...duplicates(schema, value, path), ...inner];
  }
  if (!isObject(value)) return [];
  const properties = propertiesOf(schema);
  const values = valuesOf(schema);
  return Object.entries(value).flatMap(([key, each]) => {
    const property = Object.hasOwn(properties, key) ? properties[key] : undefined;
    if (property !== undefined) return listTypeErrors(property, each, child(path, key));
    return values === undefined ? [] : listTypeErrors(values, each, `${path}[${key}]`);
  });
}

function duplicates(schema: Schema, list: readonly Json[], path: string): FieldError[] {
  const keys = listKeys(schema);
  if (keys === undefined && schema["x-kubernetes-list-type"] !== "set") return [];
  const identity = (each: Json): Json => {
    if (keys === undefined) return each;
    const picked: JsonObject = {};
    for (const key of keys) {
      const value = at(each, key);
      if (value !== undefined) picked[key] = value;
    }
    return picked;
  };
  const seen: Json[] = [];
  const reported: Json[] = [];
  return list.flatMap((each, position) => {
    const id = identity(each);
    const known = seen.some((other) => equalJson(other, id));
    seen.push(id);
    if (!known || reported.some((other) => equalJson(other, id))) return [];
    reported.push(id);
    return [duplicate(index(path, position), sorted(id))];
  });
}
