import { parse as parseYaml } from "yaml";
import type { GoTypes } from "../builtin/go-types.ts";
import { openProtobuf } from "../builtin/protobuf.ts";
import type { Call } from "../registry/context.ts";
import { apiVersion, type Resource } from "../registry/resource.ts";
import { isObject, type Json, type JsonObject, parseJson } from "../wire/json.ts";
import { ApiFailure, badRequest } from "../wire/status.ts";
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
  checkKind(String(kind), String(version), expected);
  return value;
}

function checkKind(kind: string, version: string, expected: Expected): void {
  const wanted = apiVersion(expected);
  if (version !== "" && version !== wanted) {
    throw badRequest(`the API version in the data (${version}) does not match the expected API version (${wanted})`);
  }
  if (kind !== "" && kind !== expected.kind) {
    throw badRequest(
      `${kind} in version ${JSON.stringify(wanted.split("/").at(-1))} cannot be handled as a ${expected.kind}: no kind ${JSON.stringify(kind)} is registered for version ${JSON.stringify(wanted)} in scheme`,
    );
  }
}

function parseProtobuf(bytes: Buffer, types: GoTypes, expected: Expected): JsonObject {
  try {
    const { apiVersion: version, kind, read } = openProtobuf(bytes);
    checkKind(kind, version, expected);
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

/** The first bytes of a body in hexadecimal, as decode errors show them. */
function summary(text: string): string {
  const bytes = Buffer.from(text);
  if (bytes.length === 0) return "<empty>";
  const shown = bytes.subarray(0, 30).toString("hex");
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
