import {
  type FieldError,
  invalid,
  notSupported,
  required,
  tooLong,
  tooMany,
  typeInvalid,
} from "../wire/field-error.ts";
import { float, quote } from "../wire/go-text.ts";
import { equalJson, goJson, isObject, type Json, sorted, textsAt } from "../wire/json.ts";
import { formatProblem } from "./formats.ts";
import { goRegex } from "./go-regex.ts";
import { isIntOrString, itemsOf, propertiesOf, type Schema, sameItem, typeOf, valuesOf } from "./schema.ts";

/** Where a value is; `root` comes before the path in the field, not in the message. */
interface Place {
  readonly root: string;
  readonly path: string;
}

/** What is wrong with a value, in the API server's words. With `old`, unchanged parts are not judged again. */
export function validateSchema(schema: Schema, value: Json, old: Json | undefined, root = ""): FieldError[] {
  return check(schema, value, old, { root, path: "" });
}

function check(schema: Schema, value: Json, old: Json | undefined, place: Place): FieldError[] {
  if (old !== undefined && equalJson(value, old)) return [];
  if (value === null) return schema["nullable"] === true ? [] : nullErrors(schema, place);
  return [
    ...typeErrors(schema, value, place),
    ...combined(schema, value, place),
    ...(typeof value === "string"
      ? [...stringErrors(schema, value, place), ...formatErrors(schema, value, place)]
      : []),
    ...(isNumber(value) ? numberErrors(schema, value, place) : []),
    ...(Array.isArray(value) ? listErrors(schema, value, old, place) : []),
    ...enumErrors(schema, value, place),
    ...(isObject(value) ? objectErrors(schema, value, old, place) : []),
  ];
}

const isNumber = (value: Json): value is number | bigint => typeof value === "number" || typeof value === "bigint";

function fieldOf({ root, path }: Place): string {
  const clean = path.replace(/^\./, "");
  if (root === "") return clean;
  return clean === "" ? root : `${root}.${clean}`;
}

function typesOf(schema: Schema): string[] {
  if (isIntOrString(schema)) return ["integer", "string"];
  return typeOf(schema) === "" ? [] : [typeOf(schema)];
}

function jsonType(value: Json): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "array";
  if (typeof value === "boolean") return "boolean";
  if (isNumber(value)) return typeof value === "bigint" || Number.isInteger(value) ? "integer" : "number";
  return typeof value;
}

function nullErrors(schema: Schema, place: Place): FieldError[] {
  const types = typesOf(schema);
  const wrong = types.length === 0 ? [] : [wrongType(types, "null", place)];
  return [...wrong, ...enumErrors(schema, null, place)];
}

function wrongType(types: readonly string[], found: string, place: Place): FieldError {
  return typeInvalid(
    fieldOf(place),
    found,
    `${place.path} in body must be of type ${types.join(",")}: ${quote(found)}`,
  );
}

function typeErrors(schema: Schema, value: Json, place: Place): FieldError[] {
  const types = typesOf(schema);
  const found = jsonType(value);
  if (types.length === 0 || types.includes(found) || (found === "integer" && types.includes("number"))) return [];
  // A string with a format is judged by the format alone, unless a number is wanted.
  const lenient = (found === "string" || found === "array") && schema["format"] !== undefined;
  if (lenient && !types.includes("number") && !types.includes("integer")) return [];
  return [wrongType(types, found, place)];
}

const bad = (place: Place, value: Json, message: string): FieldError =>
  invalid(fieldOf(place), sorted(value), `${place.path} in body ${message}`);

function limit(schema: Schema, field: string): number | undefined {
  const value = schema[field];
  return isNumber(value as Json) ? Number(value) : undefined;
}

function stringErrors(schema: Schema, value: string, place: Place): FieldError[] {
  const length = [...value].length;
  const max = limit(schema, "maxLength");
  if (max !== undefined && length > max) return [tooLong(fieldOf(place), max)];
  const min = limit(schema, "minLength");
  if (min !== undefined && length < min) return [bad(place, value, `should be at least ${min} chars long`)];
  const pattern = schema["pattern"];
  if (typeof pattern === "string" && pattern !== "" && !goRegex(pattern).test(value))
    return [bad(place, value, `should match '${pattern}'`)];
  return [];
}

function formatErrors(schema: Schema, value: string, place: Place): FieldError[] {
  const format = schema["format"];
  if (typeof format !== "string" || !formatProblem(format, value)) return [];
  return [typeInvalid(fieldOf(place), value, `${place.path} in body must be of type ${format}: ${quote(value)}`)];
}

/** A number that the schema's integer type can not hold. */
function rangeErrors(schema: Schema, value: number | bigint, place: Place): FieldError[] {
  if (typeOf(schema) !== "integer") return [];
  const format = schema["format"] === "int32" || schema["format"] === "int64" ? schema["format"] : undefined;
  const whole = typeof value === "bigint" || Number.isInteger(value) ? BigInt(value) : undefined;
  const limit = format === "int32" ? 2n ** 31n : 2n ** 63n;
  if (whole !== undefined && whole >= -limit && whole < limit) return [];
  const what = format === undefined ? "integer (default format)" : `integer with format ${format}`;
  return [invalid(place.root, "", `Checked value must be of type ${what} in ${place.path}`)];
}

function numberErrors(schema: Schema, value: number | bigint, place: Place): FieldError[] {
  const errors: FieldError[] = rangeErrors(schema, value, place);
  const number = Number(value);
  const shown = (each: number): string => float(each);
  const factor = limit(schema, "multipleOf");
  if (factor !== undefined && factor > 0 && !Number.isInteger(Number((number / factor).toPrecision(12)))) {
    errors.push(bad(place, value, `should be a multiple of ${shown(factor)}`));
  }
  const min = limit(schema, "minimum");
  if (min !== undefined) {
    const exclusive = schema["exclusiveMinimum"] === true;
    if (exclusive ? number <= min : number < min)
      errors.push(bad(place, value, `should be greater than ${exclusive ? "" : "or equal to "}${shown(min)}`));
  }
  const max = limit(schema, "maximum");
  if (max !== undefined) {
    const exclusive = schema["exclusiveMaximum"] === true;
    if (exclusive ? number >= max : number > max)
      errors.push(bad(place, value, `should be less than ${exclusive ? "" : "or equal to "}${shown(max)}`));
  }
  return errors;
}

function listErrors(schema: Schema, value: Json[], old: Json | undefined, place: Place): FieldError[] {
  const items = itemsOf(schema);
  const errors =
    items === undefined
      ? []
      : value.flatMap((each, index) =>
          check(items, each, sameItem(schema, each, old), { ...place, path: `${place.path}[${index}]` }),
        );
  const min = limit(schema, "minItems");
  if (min !== undefined && value.length < min)
    errors.push(bad(place, value.length, `should have at least ${min} items`));
  const max = limit(schema, "maxItems");
  if (max !== undefined && value.length > max) errors.push(tooMany(fieldOf(place), value.length, max));
  if (
    schema["uniqueItems"] === true &&
    value.some((each, index) => value.slice(0, index).some((other) => equalJson(each, other)))
  ) {
    errors.push(bad(place, "", "shouldn't contain duplicates"));
  }
  return errors;
}

function enumErrors(schema: Schema, value: Json, place: Place): FieldError[] {
  const list = schema["enum"];
  if (!Array.isArray(list) || list.some((each) => equalJson(each, value))) return [];
  return [
    notSupported(
      fieldOf(place),
      sorted(value),
      list.map((each) => (typeof each === "string" ? each : goJson(sorted(each)))),
    ),
  ];
}

function objectErrors(
  schema: Schema,
  value: { [key: string]: Json },
  old: Json | undefined,
  place: Place,
): FieldError[] {
  const errors: FieldError[] = [];
  const size = Object.keys(value).length;
  const min = limit(schema, "minProperties");
  if (min !== undefined && size < min) errors.push(bad(place, size, `should have at least ${min} properties`));
  const max = limit(schema, "maxProperties");
  if (max !== undefined && size > max) errors.push(tooMany(fieldOf(place), size, max));
  const properties = propertiesOf(schema);
  const values = valuesOf(schema);
  const before = (key: string): Json | undefined => (isObject(old) && Object.hasOwn(old, key) ? old[key] : undefined);
  const inner = (key: string): Place => ({ ...place, path: place.path === "" ? key : `${place.path}.${key}` });
  for (const [key, each] of Object.entries(value)) {
    if (!Object.hasOwn(properties, key) && values !== undefined)
      errors.push(...check(values, each, before(key), { ...place, path: `${place.path}.${key}` }));
  }
  for (const [key, property] of Object.entries(properties)) {
    if (Object.hasOwn(value, key)) errors.push(...check(property, value[key] as Json, before(key), inner(key)));
  }
  for (const key of textsAt(schema, "required")) {
    if (!Object.hasOwn(value, key)) errors.push(required(fieldOf(inner(key))));
  }
  return errors;
}

/** anyOf, oneOf, allOf and not. */
function combined(schema: Schema, value: Json, place: Place): FieldError[] {
  const errors: FieldError[] = [];
  const name = quote(place.path);
  const whole = (message: string): FieldError => invalid(place.root, "", message);
  const results = (field: string): FieldError[][] => {
    const list = schema[field];
    return Array.isArray(list) ? list.map((each) => check(each as Schema, value, undefined, place)) : [];
  };
  const any = results("anyOf");
  if (any.length > 0 && !any.some((each) => each.length === 0)) {
    errors.push(whole(`${name} must validate at least one schema (anyOf)`), ...best(any));
  }
  const one = results("oneOf");
  const valid = one.filter((each) => each.length === 0).length;
  if (one.length > 0 && valid !== 1) {
    const found = valid === 0 ? "Found none valid" : `Found ${valid} valid alternatives`;
    errors.push(
      whole(`${name} must validate one and only one schema (oneOf). ${found}`),
      ...(valid === 0 ? best(one) : []),
    );
  }
  const all = results("allOf");
  const failed = all.filter((each) => each.length > 0);
  if (failed.length > 0) {
    const none = failed.length === all.length ? ". None validated" : "";
    errors.push(...all.flat(), whole(`${name} must validate all the schemas (allOf)${none}`));
  }
  const not = schema["not"];
  if (isObject(not) && check(not, value, undefined, place).length === 0)
    errors.push(whole(`${name} must not validate the schema (not)`));
  return errors;
}

/** The complaints that are told of several alternatives: those of the first, as a rule of the real server's too. */
function best(results: readonly FieldError[][]): FieldError[] {
  return results[0] ?? [];
}
