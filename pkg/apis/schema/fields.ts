import * as z from "zod";
import { detailsOf, type FieldDetails, type Rule, staying, unchanging, unwrap } from "./rule.ts";

/** Constraints of a text field. Lengths in characters. */
export interface TextLimits {
  readonly minLength?: number;
  readonly maxLength?: number;
  /** RE2 and JavaScript syntax alike; unanchored unless it says so. */
  readonly pattern?: string;
  readonly rules?: readonly Rule[];
}

function describe<S extends z.ZodType>(field: S, description: string, details: FieldDetails = {}): S {
  return field.meta({ description, crd: details });
}

function amend<S extends z.ZodType>(field: S, details: FieldDetails): S {
  return field.meta({ crd: { ...detailsOf(field), ...details } });
}

/** Any text. */
export function text(description: string, limits: TextLimits = {}): z.ZodString {
  const { minLength, maxLength, pattern, rules } = limits;
  let field = z.string();
  if (minLength !== undefined) field = field.min(minLength, { abort: true });
  if (maxLength !== undefined) field = atMost(field, maxLength);
  if (pattern !== undefined) field = field.regex(new RegExp(pattern, "u"));
  const described = describe(field, description, rules === undefined ? {} : { rules });
  return described.meta({
    ...(maxLength === undefined ? {} : { maxLength }),
    ...(pattern === undefined ? {} : { pattern }),
  });
}

/** The API server counts characters; JavaScript counts some of them twice. */
function atMost(field: z.ZodString, maxLength: number): z.ZodString {
  return field.refine((value) => value.length <= maxLength || [...value].length <= maxLength, {
    abort: true,
    params: { maxLength },
  });
}

/** The name of an object: a DNS subdomain of at most 253 characters. */
export function resourceName(description: string): z.ZodString {
  return text(description, {
    minLength: 1,
    maxLength: 253,
    pattern: "^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$",
  });
}

/** One of the given texts. */
export function oneOf<const V extends readonly [string, ...string[]]>(description: string, values: V) {
  return describe(z.enum(values), description);
}

export function flag(description: string): z.ZodBoolean {
  return describe(z.boolean(), description);
}

/** A whole number that a JavaScript number holds exactly. */
export function integer(description: string, limits: { readonly minimum?: number; readonly maximum?: number } = {}) {
  let field = z.int();
  if (limits.minimum !== undefined) field = field.min(limits.minimum);
  if (limits.maximum !== undefined) field = field.max(limits.maximum);
  return describe(field, description).meta({ format: "int64" });
}

const int64Limits = { low: -(2n ** 63n), high: 2n ** 63n - 1n };

/** A 64-bit whole number, a bigint in memory: sizes in bytes, times in nanoseconds. Decode JSON with `parseJson`. */
export function int64(description: string, limits: { readonly minimum?: number } = {}) {
  const low = limits.minimum === undefined ? int64Limits.low : BigInt(limits.minimum);
  const field = z.preprocess(
    (value) => (typeof value === "number" && Number.isSafeInteger(value) ? BigInt(value) : value),
    z.bigint().min(low).max(int64Limits.high),
  );
  const described = describe(field, description, { int64: true }).meta({ type: "integer", format: "int64" });
  return limits.minimum === undefined ? described : described.meta({ minimum: limits.minimum });
}

const quantityPattern =
  "^(\\+|-)?(([0-9]+(\\.[0-9]*)?)|(\\.[0-9]+))(([KMGTPE]i)|[numkMGTPE]|([eE](\\+|-)?(([0-9]+(\\.[0-9]*)?)|(\\.[0-9]+))))?$";

/** A Kubernetes quantity such as `10Gi`; whole numbers are taken too. */
export function quantity(description: string) {
  const field = z.union([z.int(), z.string().regex(new RegExp(quantityPattern))]);
  return describe(field, description).meta({ "x-kubernetes-int-or-string": true, pattern: quantityPattern });
}

const dateTimePattern = /^(\d{4})-(\d{2})-(\d{2})t([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d+)?(z|[+-]\d{2}:\d{2})$/i;

/** What the API server takes for a time: a day that exists, whole seconds or parts of them, a zone. */
function isDateTime(value: string): boolean {
  const [, year, month, day] = dateTimePattern.exec(value) ?? [];
  const date = new Date(`${year}-${month}-${day}T00:00:00Z`);
  return !Number.isNaN(date.getTime()) && date.getUTCDate() === Number(day);
}

/** A point in time as RFC 3339 text. */
export function dateTime(description: string): z.ZodString {
  const field = z.string().refine(isDateTime, { params: { format: "date-time" } });
  return describe(field, description).meta({ format: "date-time" });
}

const base64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=|[A-Za-z0-9+/]{4})$/;

/** At least one byte, as base64 text without line breaks. */
export function bytes(description: string): z.ZodString {
  const field = z.string().refine((value) => base64.test(value), { params: { format: "byte" } });
  return describe(field, description).meta({ format: "byte" });
}

/** Texts by name: parameters, attributes. */
export function map(description: string) {
  return describe(z.record(z.string(), z.string()), description);
}

/** Any object, kept as it is. */
export function preserveUnknown(description: string) {
  return describe(z.record(z.string(), z.unknown()), description).meta({
    "x-kubernetes-preserve-unknown-fields": true,
  });
}

/** A list; `atomic` lists are replaced as a whole by server-side apply. */
export function list<S extends z.ZodType>(description: string, item: S, limits: { readonly maxItems?: number } = {}) {
  const field = limits.maxItems === undefined ? z.array(item) : z.array(item).max(limits.maxItems);
  return describe(field, description).meta({ "x-kubernetes-list-type": "atomic" });
}

/** An object of the given fields; others are pruned. Immutable fields get their rules here, where their name is known. */
export function object<S extends z.core.$ZodLooseShape>(description: string, shape: S, ...rules: readonly Rule[]) {
  const fieldRules: Record<string, readonly Rule[]> = {};
  const parental: Rule[] = [];
  for (const [name, field] of Object.entries(shape)) {
    const { immutable } = detailsOf(unwrap(field));
    if (immutable !== undefined) fieldRules[name] = [unchanging(name)];
    if (immutable === "once") parental.push(staying(name));
  }
  return describe(z.object(shape), description, { rules: [...parental, ...rules], fieldRules });
}

/** The field may be absent. Null counts as absent, as for the API server. */
export function optional<S extends z.ZodType>(field: S): z.ZodExactOptional<S> {
  return z.exactOptional(field);
}

/** The field is filled in by the API server, and by `parse`, where it is absent. */
export function withDefault<S extends z.ZodType>(field: S, value: z.core.util.NoUndefined<z.output<S>>) {
  return field.default(value);
}

/** The value may not change while it is there; it may be removed. */
export function immutable<S extends z.ZodType>(field: S): S {
  return amend(field, { immutable: "always" });
}

/** The value may be set later, but neither changed nor removed afterwards. */
export function immutableOnce<S extends z.ZodType>(field: S): S {
  return amend(field, { immutable: "once" });
}
