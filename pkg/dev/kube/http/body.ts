import { parse as parseYaml } from "yaml";
import type { Call } from "../registry/context.ts";
import { apiVersion, type Resource } from "../registry/resource.ts";
import { isObject, type Json, type JsonObject, parseJson } from "../wire/json.ts";
import { badRequest } from "../wire/status.ts";
import { duplicateFields } from "./duplicates.ts";
import { syntaxError } from "./json-errors.ts";

/** What an object in a body is expected to be. */
export interface Expected {
  readonly kind: string;
  readonly group: string;
  readonly version: string;
}

/** Parses a body and checks that it is an object of the expected kind. Throws 400 in the decoder's words. */
export function parseObject(text: string, format: "json" | "yaml", expected: Expected): JsonObject {
  const value = parseText(text, format, expected);
  if (!isObject(value))
    throw unrecognised(
      text,
      expected,
      `couldn't get version/kind; json parse error: json: cannot unmarshal ${word(value)} into Go value of type struct { APIVersion string "json:\\"apiVersion,omitempty\\""; Kind string "json:\\"kind,omitempty\\"" }`,
    );
  const kind = value["kind"] ?? "";
  const version = value["apiVersion"] ?? "";
  const wanted = apiVersion(expected);
  if (typeof kind !== "string" || typeof version !== "string") {
    const wrong = typeof version !== "string" ? ["apiVersion", version] : ["kind", kind];
    const field = wrong[0] === "apiVersion" ? ".apiVersion" : ".kind";
    throw unrecognised(
      text,
      expected,
      `couldn't get version/kind; json parse error: json: cannot unmarshal ${word(wrong[1] as Json)} into Go struct field ${field} of type string`,
    );
  }
  if (version !== "" && version !== wanted) {
    throw badRequest(`the API version in the data (${version}) does not match the expected API version (${wanted})`);
  }
  if (kind !== "" && kind !== expected.kind) {
    throw badRequest(
      `${kind} in version ${JSON.stringify(wanted.split("/").at(-1))} cannot be handled as a ${expected.kind}: no kind ${JSON.stringify(kind)} is registered for version ${JSON.stringify(wanted)} in scheme`,
    );
  }
  return value;
}

function parseText(text: string, format: "json" | "yaml", expected: Expected): Json {
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
