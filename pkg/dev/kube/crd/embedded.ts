import { decodeBuiltin } from "../builtin/decode.ts";
import type { GoTypes } from "../builtin/go-types.ts";
import { child, type FieldError, index, invalid, required } from "../wire/field-error.ts";
import { goJson, isObject, type Json, type JsonObject, sorted } from "../wire/json.ts";
import { isEmbedded, itemsOf, propertiesOf, type Schema, valuesOf } from "./schema.ts";

/** Calls `visit` for each resource embedded in an object, with its path. */
function visitEmbedded(
  value: Json,
  schema: Schema,
  path: string,
  visit: (resource: JsonObject, path: string) => void,
): void {
  if (Array.isArray(value)) {
    const items = itemsOf(schema);
    if (items) for (const [position, each] of value.entries()) visitEmbedded(each, items, index(path, position), visit);
    return;
  }
  if (!isObject(value)) return;
  if (isEmbedded(schema)) visit(value, path);
  const properties = propertiesOf(schema);
  const values = valuesOf(schema);
  for (const [key, each] of Object.entries(value)) {
    const inner = Object.hasOwn(properties, key) ? properties[key] : values;
    if (inner) visitEmbedded(each, inner, child(path, key), visit);
  }
}

/** Brings the metadata of embedded resources into its form, in place; returns what it dropped. Throws when it does not fit. */
export function coerceEmbedded(object: JsonObject, schema: Schema, types: GoTypes): string[] {
  const unknown: string[] = [];
  visitEmbedded(object, schema, "", (resource, path) => {
    const metadata = resource["metadata"];
    if (!isObject(metadata)) return;
    try {
      const decoded = decodeBuiltin(types, "meta.v1.ObjectMeta", metadata);
      resource["metadata"] = decoded.object;
      unknown.push(...decoded.unknown.map((each) => `${child(path, "metadata")}.${each}`));
    } catch (thrown) {
      const field = child(path, "metadata");
      throw new Error(`${field}: Invalid value: ${goJson(sorted(metadata))}: ${(thrown as Error).message}`);
    }
  });
  return unknown;
}

/** Embedded resources have to say what they are. */
export function embeddedErrors(object: JsonObject, schema: Schema): FieldError[] {
  const errors: FieldError[] = [];
  visitEmbedded(object, schema, "", (resource, path) => {
    for (const field of ["apiVersion", "kind"]) {
      const value = resource[field];
      if (value === undefined || value === "") errors.push(required(child(path, field)));
      else if (typeof value !== "string") errors.push(invalid(child(path, field), value, "must be a string"));
      else if (field === "apiVersion" && value.split("/").length > 2) {
        errors.push(invalid(child(path, field), value, `unexpected GroupVersion string: ${value}`));
      }
    }
  });
  return errors;
}
