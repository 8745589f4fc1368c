import { parse as parseYaml } from "yaml";
import type { GoTypes } from "../builtin/go-types.ts";
import { openProtobuf } from "../builtin/protobuf.ts";
import type { Call } from "../registry/context.ts";
import { apiVersion, type Resource } from "../registry/resource.ts";
import { invalid } from "../wire/field-error.ts";
import { isObject, type Json, type JsonObject, parseJson, textAt } from "../wire/json.ts";
import { ApiFailure, badRequest, invalidObject } from "../wire/status.ts";
import { duplicateFields } from "./duplicates.ts";
import { syntaxError } from "./json-errors.ts";
import type { BodyFormat } from "./negotiate.ts";

/** What an object in a body is expected to be. */
export interface Expected {
  readonly kind: string;
  readonly group: string;
  readonly version: string;
  /** Its Go type, where it has one. */
  readonly struct?: string | undefined;
}

/** A body and how to read it. */
export interface Body {
  readonly bytes: Buffer;
  readonly format: BodyFormat;
  readonly types: GoTypes;
}

/** Parses a body and checks that it is an object of the expected kind. Throws 400 in the decoder's words. */
export function parseObject({ bytes, format, types }: Body, expected: Expected): JsonObject {
  if (format === "protobuf") return parseProtobuf(bytes, types, expected);
  const text = bytes.toString("utf8");
  const value = parseText(text, format, expected);
  if (!isObject(value))
    throw unrecognised(
      text,
      expected,
      `couldn't get version/kind; json parse error: json: cannot unmarshal ${word(value)} into Go value of type struct { APIVersion string "json:\\"apiVersion,omitempty\\""; Kind string "json:\\"kind,omitempty\\"" }`,
    );
  const kind = value["kind"] ?? "";
  const version = value["apiVersion"] ?? "";
  for (const [field, given] of [
    ["apiVersion", version],
    ["kind", kind],
  ] as const) {
    if (typeof given === "string") continue;
    const why = `couldn't get version/kind; json parse error: json: cannot unmarshal ${word(given)} into Go struct field .${field} of type string`;
    throw unrecognised(text, expected, why);
  }
  if (expected.struct === undefined) requireKind(value, text, expected);
  checkKind(String(kind), String(version), expected, types);
  if (expected.struct === undefined && kind !== expected.kind) {
    const name = textAt(value, "metadata", "name");
    throw invalidObject(expected.group, String(kind), name, [invalid("kind", kind, `must be ${expected.kind}`)]);
  }
  return value;
}

/** Custom objects have to say what they are. */
function requireKind(value: JsonObject, text: string, expected: Expected): void {
  if ((value["kind"] ?? "") === "") throw unrecognised(text, expected, `Object 'Kind' is missing in '${text}'`);
  if ((value["apiVersion"] ?? "") === "")
    throw unrecognised(text, expected, `Object 'apiVersion' is missing in '${text}'`);
}

function checkKind(kind: string, version: string, expected: Expected, types: GoTypes): void {
  const wanted = apiVersion(expected);
  const refuse = (why: string): Error =>
    badRequest(
      `${kind} in version ${JSON.stringify(version.split("/").at(-1) || expected.version)} cannot be handled as a ${expected.kind}: ${why}`,
    );
  if (expected.struct === undefined || (version !== "" && version !== wanted && kind === "")) {
    if (version === "" || version === wanted) return;
    throw badRequest(`the API version in the data (${version}) does not match the expected API version (${wanted})`);
  }
  if ((kind === "" || kind === expected.kind) && (version === "" || version === wanted)) return;
  const struct = `${expected.struct.split(".").slice(0, 2).join(".")}.${kind}`;
  const known = (version === "" || version === wanted) && types.has(struct);
  throw refuse(
    known ? conversionProblem(struct, expected.struct) : notRegistered(kind, version === "" ? wanted : version),
  );
}

/** What Go's scheme says of a kind that it does not know. */
export function notRegistered(kind: string, version: string): string {
  return `no kind ${JSON.stringify(kind)} is registered for version ${JSON.stringify(version)} in scheme "pkg/runtime/scheme.go:111"`;
}

/** What Go's scheme says when an object is of a kind that it knows, and not of the wanted one. */
export function conversionProblem(from: string, to: string): string {
  const name = (struct: string): string => struct.split(".").at(-1) ?? "";
  return `converting (v1.${name(from)}) to (${to.split(".")[0]}.${name(to)}): unknown conversion`;
}

function parseProtobuf(bytes: Buffer, types: GoTypes, expected: Expected): JsonObject {
  try {
    const { apiVersion: version, kind, read } = openProtobuf(bytes);
    checkKind(kind, version, expected, types);
    return { ...read(types, expected.struct ?? ""), kind, apiVersion: version };
  } catch (thrown) {
    throw thrown instanceof ApiFailure ? thrown : badRequest((thrown as Error).message);
  }
}

function parseText(text: string, format: BodyFormat, expected: Expected): Json {
  try {
    return format === "yaml" ? (parseYaml(text) as Json) : parseJson(text);
  } catch {
    throw unrecognised(text, expected, `couldn't get version/kind; json parse error: ${syntaxError(text)}`);
  }
}

function unrecognised(text: string, { kind }: Expected, why: string): Error {
  return badRequest(`the object provided is unrecognized (must be of type ${kind}): ${why} (${summary(text)})`);
}

/** The beginning of a body, as decode errors show it: objects as text, all else in hexadecimal. */
function summary(text: string): string {
  const bytes = Buffer.from(text);
  if (bytes.length === 0) return "<empty>";
  const encoding = text.startsWith("{") ? "utf8" : "hex";
  const shown = bytes.subarray(0, 30).toString(encoding);
  return bytes.length > 30 ? `${shown} ...` : shown;
}

function word(value: Json): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "array";
  return typeof value === "boolean" ? "bool" : typeof value;
}

/** Decodes a body for a resource; unknown and duplicate fields are refused, warned of or ignored as asked. */
export function decodeFor(
  resource: Resource,
  value: JsonObject,
  text: string | undefined,
  call: Call,
  ignore: boolean,
): JsonObject {
  const refuse = (why: string): Error =>
    badRequest(
      `${resource.kind} in version ${JSON.stringify(resource.version)} cannot be handled as a ${resource.kind}: ${why}`,
    );
  let read: ReturnType<Resource["codec"]["read"]>;
  try {
    read = resource.codec.read(value);
  } catch (thrown) {
    throw refuse((thrown as Error).message);
  }
  if (call.fieldValidation === "Ignore" || ignore) return read.object;
  const strict = [...(text === undefined ? [] : duplicateFields(text)), ...read.strict];
  if (strict.length === 0) return read.object;
  if (call.fieldValidation === "Strict") throw refuse(`strict decoding error: ${strict.join(", ")}`);
  call.warnings.push(...strict);
  return read.object;
}
