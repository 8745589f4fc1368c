import { aggregate, float, quote } from "./go-text.ts";
import { goJson, type Json } from "./json.ts";

/** Machine-readable cause types, as in metav1.CauseType. */
export type FieldErrorType =
  | "FieldValueNotFound"
  | "FieldValueRequired"
  | "FieldValueDuplicate"
  | "FieldValueInvalid"
  | "FieldValueNotSupported"
  | "FieldValueForbidden"
  | "FieldValueTooLong"
  | "FieldValueTooMany"
  | "FieldValueTooFew"
  | "FieldValueTypeInvalid"
  | "InternalError";

const words: Record<FieldErrorType, string> = {
  FieldValueNotFound: "Not found",
  FieldValueRequired: "Required value",
  FieldValueDuplicate: "Duplicate value",
  FieldValueInvalid: "Invalid value",
  FieldValueNotSupported: "Unsupported value",
  FieldValueForbidden: "Forbidden",
  FieldValueTooLong: "Too long",
  FieldValueTooMany: "Too many",
  FieldValueTooFew: "Too few",
  FieldValueTypeInvalid: "Invalid value",
  InternalError: "Internal error",
};

/** One problem of one field; `body` is the text without the field. */
export interface FieldError {
  readonly type: FieldErrorType;
  readonly field: string;
  readonly body: string;
}

/** Stands for a value that is not to be printed. */
export const omitted: unique symbol = Symbol("omitted");

/** A JSON value, or the mark that it is not to be printed. */
export type BadValue = Json | typeof omitted;

function make(type: FieldErrorType, field: string, value: BadValue, detail: string): FieldError {
  const shown = value === omitted ? words[type] : `${words[type]}: ${show(value)}`;
  return { type, field: field === "" ? "<nil>" : field, body: detail === "" ? shown : `${shown}: ${detail}` };
}

function show(value: Json): string {
  if (typeof value === "string") return quote(value);
  if (typeof value === "number") return float(value);
  return goJson(value);
}

export const invalid = (field: string, value: BadValue, detail: string): FieldError =>
  make("FieldValueInvalid", field, value, detail);
export const typeInvalid = (field: string, value: BadValue, detail: string): FieldError =>
  make("FieldValueTypeInvalid", field, value, detail);
export const required = (field: string, detail = ""): FieldError => make("FieldValueRequired", field, omitted, detail);
export const forbidden = (field: string, detail: string): FieldError =>
  make("FieldValueForbidden", field, omitted, detail);
export const duplicate = (field: string, value: BadValue): FieldError => make("FieldValueDuplicate", field, value, "");
export const notSupported = (field: string, value: BadValue, valid: readonly string[]): FieldError =>
  make(
    "FieldValueNotSupported",
    field,
    value,
    valid.length === 0 ? "" : `supported values: ${valid.map(quote).join(", ")}`,
  );
export const tooLong = (field: string, max: number): FieldError =>
  make("FieldValueTooLong", field, omitted, max < 0 ? "value is too long" : `may not be more than ${max} bytes`);
export const tooMany = (field: string, actual: number, max: number): FieldError =>
  make("FieldValueTooMany", field, actual, `must have at most ${max} item${max === 1 ? "" : "s"}`);

/** `field: body` of all of them, as the message of an Invalid answer carries it. */
export function aggregateMessage(errors: readonly FieldError[]): string {
  return aggregate(errors.map((each) => `${each.field}: ${each.body}`));
}

/** Joins a path and a child: `spec` and `name` make `spec.name`. */
export function child(path: string, name: string): string {
  return path === "" ? name : `${path}.${name}`;
}

/** `spec.list[2]` */
export function index(path: string, position: number): string {
  return `${path}[${position}]`;
}

/** `data[some key]` */
export function key(path: string, name: string): string {
  return `${path}[${name}]`;
}
