import { decodeBuiltin } from "../builtin/decode.ts";
import type { GoTypes } from "../builtin/go-types.ts";
import { applyJsonPatch, PatchSyntaxError, readJsonPatch } from "../patch/json-patch.ts";
import { mergePatch } from "../patch/merge-patch.ts";
import { strategicPatch } from "../patch/strategic-patch.ts";
import type { Call, Machine } from "../registry/context.ts";
import type { Resource } from "../registry/resource.ts";
import { invalid } from "../wire/field-error.ts";
import { goJson, isObject, type Json, type JsonObject, parseJson, sorted } from "../wire/json.ts";
import { badRequest, invalidObject } from "../wire/status.ts";
import { duplicateFields } from "./duplicates.ts";
import { syntaxError } from "./json-errors.ts";

const jsonPatch = "application/json-patch+json";
const merge = "application/merge-patch+json";
const strategic = "application/strategic-merge-patch+json";

/** The kinds of patch that a resource takes here; server-side apply is not among them. */
export function mediaTypesOf(resource: Resource): string[] {
  return resource.codec.struct === undefined ? [jsonPatch, merge] : [jsonPatch, merge, strategic];
}

interface PatchRequest {
  readonly resource: Resource;
  readonly current: JsonObject;
  readonly type: string;
  readonly text: string;
  readonly call: Call;
}

/** Applies patches to objects in the version of the request, and reads the result back as if it had been sent. */
export class Patcher {
  readonly #types: GoTypes;
  readonly #machine: Machine;

  constructor(types: GoTypes, machine: Machine) {
    this.#types = types;
    this.#machine = machine;
  }

  apply(request: PatchRequest): JsonObject {
    const { resource, current, type, text } = request;
    const versioned = resource.codec.write(current);
    const patched = this.#patch(resource, versioned, type, text);
    return this.#readBack(request, patched);
  }

  /** Options of a deletion as Go reads them. Throws 400. */
  deleteOptions(value: JsonObject): JsonObject {
    try {
      return decodeBuiltin(this.#types, "meta.v1.DeleteOptions", value).object;
    } catch (thrown) {
      throw badRequest((thrown as Error).message);
    }
  }

  #patch(resource: Resource, versioned: JsonObject, type: string, text: string): Json {
    const { faults } = this.#machine;
    const prefix = type === strategic ? "" : "error decoding patch: ";
    const body = parse(text, prefix);
    if (type === jsonPatch) return applyJsonPatch(versioned, readJsonPatch(body), faults["json-patch-skips-test"]);
    if (!isObject(body))
      throw new PatchSyntaxError(
        `${prefix}json: cannot unmarshal ${word(body)} into Go value of type map[string]interface {}`,
      );
    if (type === merge) return mergePatch(versioned, body, faults["merge-patch-keeps-null"]);
    const options = { replaceLists: faults["strategic-merge-replaces-lists"] === true };
    return strategicPatch(this.#types, resource.codec.struct ?? "", versioned, body, options);
  }

  /** Decodes the patched object; what does not fit is a 422 about the patch. */
  #readBack({ resource, type, text, call }: PatchRequest, patched: Json): JsonObject {
    const refuse = (why: string): Error => invalidObject("", "", "", [invalid("patch", goJson(sorted(patched)), why)]);
    if (!isObject(patched)) throw refuse("couldn't get version/kind; json parse error");
    let read: ReturnType<Resource["codec"]["read"]>;
    try {
      read = resource.codec.read(patched);
    } catch (thrown) {
      throw type === strategic ? badRequest((thrown as Error).message) : refuse((thrown as Error).message);
    }
    if (call.fieldValidation === "Ignore" || this.#machine.faults["ignore-field-validation"]) return read.object;
    const strict = [...duplicateFields(text), ...read.strict];
    if (strict.length === 0) return read.object;
    if (call.fieldValidation === "Strict") throw refuse(`strict decoding error: ${strict.join(", ")}`);
    call.warnings.push(...strict);
    return read.object;
  }
}

function parse(text: string, prefix: string): Json {
  try {
    return parseJson(text);
  } catch {
    throw new PatchSyntaxError(`${prefix}${syntaxError(text)}`);
  }
}

const word = (value: Json): string =>
  Array.isArray(value) ? "array" : typeof value === "boolean" ? "bool" : typeof value;
