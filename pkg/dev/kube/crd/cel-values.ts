import { evaluate } from "@marcbachmann/cel-js";
import { isObject, type Json } from "../wire/json.ts";
import { isEmbedded, isIntOrString, itemsOf, propertiesOf, type Schema, typeOf, valuesOf } from "./schema.ts";

/** Values as CEL sees them. */
export type CelValue = unknown;

const reserved = new Set(
  "true false null in as break const continue else for function if import let loop package namespace return var void while".split(
    " ",
  ),
);

/** The name by which CEL rules reach a property, or undefined when they can not. */
export function celName(property: string): string | undefined {
  if (reserved.has(property)) return `__${property}__`;
  const escaped = property
    .replaceAll("__", "__underscores__")
    .replaceAll(".", "__dot__")
    .replaceAll("-", "__dash__")
    .replaceAll("/", "__slash__");
  return /^[A-Za-z_][A-Za-z0-9_]*$/.test(escaped) ? escaped : undefined;
}

/** Turns JSON into what CEL works on, by its schema: integers become int, numbers double, times timestamps. */
export function toCel(value: Json, schema: Schema, resource = false): CelValue {
  if (value === null) return null;
  if (Array.isArray(value)) {
    const items = itemsOf(schema) ?? {};
    return value.map((each) => toCel(each, items));
  }
  if (isObject(value)) return objectToCel(value, schema, resource || isEmbedded(schema));
  if (typeof value === "string") return stringToCel(value, schema);
  if (typeof value === "boolean") return value;
  if (isIntOrString(schema)) return BigInt(value);
  return typeOf(schema) === "number" ? Number(value) : BigInt(Math.trunc(Number(value)) === Number(value) ? value : 0);
}

function objectToCel(value: { [key: string]: Json }, schema: Schema, resource: boolean): CelValue {
  const properties = propertiesOf(schema);
  const values = valuesOf(schema);
  const result: Record<string, CelValue> = {};
  for (const [key, each] of Object.entries(value)) {
    const property = Object.hasOwn(properties, key) ? properties[key] : undefined;
    if (resource && (key === "apiVersion" || key === "kind" || key === "metadata")) result[key] = metaToCel(key, each);
    else if (property !== undefined) {
      const name = celName(key);
      if (name !== undefined) result[name] = toCel(each, property);
    } else if (values !== undefined) result[key] = toCel(each, values);
  }
  return result;
}

/** Of metadata, rules see the name only. */
function metaToCel(key: string, value: Json): CelValue {
  if (key !== "metadata" || !isObject(value)) return value;
  return Object.fromEntries(
    ["name", "generateName"].filter((each) => each in value).map((each) => [each, value[each]]),
  );
}

function stringToCel(value: string, schema: Schema): CelValue {
  switch (schema["format"]) {
    case "date-time":
      return new Date(value);
    case "duration":
      return evaluate("duration(text)", { text: value });
    case "byte":
      return new Uint8Array(Buffer.from(value, "base64"));
    default:
      return value;
  }
}
