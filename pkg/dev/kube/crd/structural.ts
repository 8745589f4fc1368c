import { child, type FieldError, forbidden, index, invalid, key, required } from "../wire/field-error.ts";
import { byBytes, isObject, type Json, type JsonObject, listAt } from "../wire/json.ts";
import { goRegex } from "./go-regex.ts";
import { isEmbedded, isIntOrString, itemsOf, preserves, propertiesOf, type Schema, typeOf } from "./schema.ts";

type Level = "root" | "item" | "field";

/** Why a schema is not structural; sorted, as the API server does. */
export function structuralErrors(schema: Schema, path: string): FieldError[] {
  const errors = invariants(schema, "root", path);
  return errors.sort((a, b) => byBytes(`${a.field}: ${a.body}`, `${b.field}: ${b.body}`));
}

const emptyType: Readonly<Record<Level, string>> = {
  root: "must not be empty at the root",
  item: "must not be empty for specified array items",
  field: "must not be empty for specified object fields",
};

function invariants(schema: Schema, level: Level, path: string): FieldError[] {
  const errors: FieldError[] = [];
  const type = typeOf(schema);
  const items = itemsOf(schema);
  if (type === "array" && items === undefined) errors.push(required(child(path, "items"), "must be specified"));
  if (items) errors.push(...invariants(items, "item", child(path, "items")));
  for (const [name, property] of Object.entries(propertiesOf(schema))) {
    errors.push(...invariants(property, "field", key(child(path, "properties"), name)));
  }
  const values = schema["additionalProperties"];
  if (values !== undefined && level === "root")
    errors.push(forbidden(child(path, "additionalProperties"), "must not be used at the root"));
  if (isObject(values)) errors.push(...invariants(values, "field", child(path, "additionalProperties")));
  if (isIntOrString(schema) && preserves(schema)) {
    errors.push(
      invalid(
        child(path, "x-kubernetes-preserve-unknown-fields"),
        true,
        "must be false if x-kubernetes-int-or-string is true",
      ),
    );
  }
  errors.push(
    ...nestedErrors(schema, path, isIntOrString(schema)),
    ...typeErrors(schema, type, level, path),
    ...metadataErrors(schema, level, path),
  );
  return errors;
}

function typeErrors(schema: Schema, type: string, level: Level, path: string): FieldError[] {
  const where = child(path, "type");
  if (isEmbedded(schema) && type !== "object") {
    const why = "must be object if x-kubernetes-embedded-resource is true";
    return [type === "" ? required(where, why) : invalid(where, type, why)];
  }
  if (type === "" && !isIntOrString(schema) && !preserves(schema)) return [required(where, emptyType[level])];
  if (level === "root" && type !== "" && type !== "object") return [invalid(where, type, "must be object at the root")];
  return [];
}

function metadataErrors(schema: Schema, level: Level, path: string): FieldError[] {
  const metadata = propertiesOf(schema)["metadata"];
  if (metadata === undefined || (level !== "root" && !isEmbedded(schema))) return [];
  const where = key(child(path, "properties"), "metadata");
  const errors =
    typeOf(metadata) === "object" ? [] : [invalid(child(where, "type"), typeOf(metadata), "must be object")];
  const { type: _type, properties: _properties, description: _description, ...rest } = metadata;
  const named = Object.keys(propertiesOf(metadata)).every((each) => each === "name" || each === "generateName");
  if (level === "root" && (!named || Object.keys(rest).length > 0)) {
    errors.push(
      forbidden(
        where,
        "must not specify anything other than name and generateName, but metadata is implicitly specified",
      ),
    );
  }
  return errors;
}

const forbiddenInside: readonly (readonly [string, string, (value: Json) => boolean])[] = [
  ["type", "must be empty to be structural", (value) => value !== ""],
  ["additionalProperties", "must be undefined to be structural", () => true],
  ["default", "must be undefined to be structural", () => true],
  ["title", "must be empty to be structural", (value) => value !== ""],
  ["description", "must be empty to be structural", (value) => value !== ""],
  ["nullable", "must be false to be structural", (value) => value === true],
  ["x-kubernetes-preserve-unknown-fields", "must be false to be structural", (value) => value === true],
  ["x-kubernetes-embedded-resource", "must be false to be structural", (value) => value === true],
  ["x-kubernetes-int-or-string", "must be false to be structural", (value) => value === true],
  ["x-kubernetes-list-type", "must be undefined to be structural", () => true],
  ["x-kubernetes-map-type", "must be undefined to be structural", () => true],
];

/** Rules for what stands inside anyOf, oneOf, allOf and not. */
function nestedErrors(schema: JsonObject, path: string, intOrString: boolean): FieldError[] {
  const errors: FieldError[] = [];
  for (const field of ["anyOf", "allOf", "oneOf"]) {
    listAt(schema, field).forEach((each, position) => {
      if (isObject(each) && !(intOrString && field === "anyOf"))
        errors.push(...nested(each, index(child(path, field), position)));
    });
  }
  if (isObject(schema["not"])) errors.push(...nested(schema["not"], child(path, "not")));
  const pattern = schema["pattern"];
  if (typeof pattern === "string") errors.push(...patternErrors(pattern, child(path, "pattern")));
  return errors;
}

function patternErrors(pattern: string, path: string): FieldError[] {
  try {
    goRegex(pattern);
    return [];
  } catch (thrown) {
    return [invalid(path, pattern, `must be a valid regular expression, but isn't: ${(thrown as Error).message}`)];
  }
}

function nested(schema: JsonObject, path: string): FieldError[] {
  const errors = nestedErrors(schema, path, false);
  for (const [field, why, applies] of forbiddenInside) {
    const value = schema[field];
    if (value !== undefined && applies(value)) errors.push(forbidden(child(path, field), why));
  }
  for (const [name, property] of Object.entries(propertiesOf(schema)))
    errors.push(...nested(property, key(child(path, "properties"), name)));
  const items = itemsOf(schema);
  if (items) errors.push(...nested(items, child(path, "items")));
  if (propertiesOf(schema)["metadata"])
    errors.push(forbidden(key(child(path, "properties"), "metadata"), "must not be specified in a nested context"));
  return errors;
}
