import { at, isObject, type Json, type JsonObject, objectAt, textAt } from "../wire/json.ts";

/** A structural schema, as a CustomResourceDefinition carries it. */
export type Schema = JsonObject;

export const typeOf = (schema: Schema): string => textAt(schema, "type");
export const isIntOrString = (schema: Schema): boolean => schema["x-kubernetes-int-or-string"] === true;
export const preserves = (schema: Schema): boolean => schema["x-kubernetes-preserve-unknown-fields"] === true;
export const isEmbedded = (schema: Schema): boolean => schema["x-kubernetes-embedded-resource"] === true;
export const propertiesOf = (schema: Schema): Readonly<Record<string, Schema>> =>
  objectAt(schema, "properties") as Record<string, Schema>;

/** The schema of list items. */
export function itemsOf(schema: Schema): Schema | undefined {
  const items = schema["items"];
  return isObject(items) ? items : undefined;
}

/** The schema of map values; `additionalProperties: true` takes anything. */
export function valuesOf(schema: Schema): Schema | undefined {
  const values = schema["additionalProperties"];
  if (values === true) return { "x-kubernetes-preserve-unknown-fields": true };
  return isObject(values) ? values : undefined;
}

/** The names of the keys of a list of type map. */
export function listKeys(schema: Schema): string[] | undefined {
  if (schema["x-kubernetes-list-type"] !== "map") return undefined;
  const keys = schema["x-kubernetes-list-map-keys"];
  return Array.isArray(keys) ? keys.map(String) : [];
}

/** The item of an older list that is the same entry, for lists of type map. */
export function sameItem(schema: Schema, item: Json, older: Json | undefined): Json | undefined {
  const keys = listKeys(schema);
  if (keys === undefined || !Array.isArray(older)) return undefined;
  const properties = propertiesOf(itemsOf(schema) ?? {});
  const value = (each: Json, key: string): string =>
    JSON.stringify(at(each, key) ?? at(properties[key], "default") ?? null, bigText);
  return older.find((each) => keys.every((key) => value(each, key) === value(item, key)));
}

const bigText = (_key: string, value: unknown): unknown => (typeof value === "bigint" ? `${value}n` : value);

/** True when the schema has CEL rules anywhere. */
export function hasRules(schema: Json | undefined): boolean {
  if (Array.isArray(schema)) return schema.some(hasRules);
  if (!isObject(schema)) return false;
  return Object.entries(schema).some(([field, value]) =>
    field === "x-kubernetes-validations" ? Array.isArray(value) && value.length > 0 : hasRules(value),
  );
}
