import { decodeBuiltin } from "../builtin/decode.ts";
import type { GoTypes } from "../builtin/go-types.ts";
import { applyJsonPatch, PatchSyntaxError, readJsonPatch } from "../patch/json-patch.ts";
import { mergePatch } from "../patch/merge-patch.ts";
import { goMap, strategicPatch } from "../patch/strategic-patch.ts";
import type { Call, Machine } from "../registry/context.ts";
import { apiVersion, type Resource } from "../registry/resource.ts";
import { invalid } from "../wire/field-error.ts";
import { goJson, isObject, type Json, type JsonObject, parseJson, sorted, textAt } from "../wire/json.ts";
import { badRequest, invalidObject } from "../wire/status.ts";
import { conversionProblem, notRegistered } from "./body.ts";
import { duplicateFields } from "./duplicates.ts";
import { syntaxError } from "./json-errors.ts";

const jsonPatch = "application/json-patch+json";
const merge = "application/merge-patch+json";
const strategic = "application/strategic-merge-patch+json";

/** The kinds of patch that a resource takes here; server-side apply is not among them. */
export function mediaTypesOf(resource: Resource): string[] {
  return resource.codec.struct === undefined ? [jsonPatch, merge] : [jsonPatch, merge, strategic];
}

/** The patch of server-side apply, which is not offered here. */
export const applyPatch = "application/apply-patch+yaml";

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
    if (body === null && type === merge) throw new PatchSyntaxError("Invalid JSON Patch");
    if (!isObject(body))
      throw new PatchSyntaxError(
        `${prefix}json: cannot unmarshal ${word(body)} into Go value of type map[string]interface {}`,
      );
    if (type === merge) return mergePatch(versioned, body, faults["merge-patch-keeps-null"]);
    const options = { replaceLists: faults["strategic-merge-replaces-lists"] === true };
    return strategicPatch(this.#types, resource.codec.struct ?? "", versioned, body, options);
  }

  /** Without a kind the real server reads into its internal type, which knows none of the fields. */
  #untyped(patched: JsonObject, call: Call): JsonObject {
    for (const field of Object.keys(patched)) call.warnings.push(`unknown field ${JSON.stringify(field)}`);
    return { metadata: {} };
  }

  /** A patch may turn an object into another kind; what its decoder says of that comes first. */
  #checkType(resource: Resource, patched: JsonObject, refuse: (why: string) => Error): void {
    const kind = textAt(patched, "kind");
    const version = textAt(patched, "apiVersion");
    if (kind === resource.kind && version === apiVersion(resource)) return;
    const struct = `${(resource.codec.struct ?? "").split(".").slice(0, 2).join(".")}.${kind}`;
    if (version !== apiVersion(resource) || !this.#types.has(struct)) throw refuse(notRegistered(kind, version));
    try {
      decodeBuiltin(this.#types, struct, patched);
    } catch (thrown) {
      throw refuse((thrown as Error).message);
    }
    throw refuse(conversionProblem(struct, resource.codec.struct ?? ""));
  }

  /** Decodes the patched object; what does not fit is a 422 about the patch. */
  #readBack({ resource, type, text, call }: PatchRequest, patched: Json): JsonObject {
    const shown = type === strategic ? goMap(parseJson(text) as JsonObject) : goJson(sorted(patched));
    const refuse = (why: string): Error => invalidObject("", "", "", [invalid("patch", shown, why)]);
    if (!isObject(patched)) throw refuse("couldn't get version/kind; json parse error");
    if (resource.custom) checkCustomType(resource, patched);
    else if (type !== strategic && patched["kind"] === undefined) return this.#untyped(patched, call);
    else this.#checkType(resource, patched, refuse);
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

/** A custom object that a patch has made into something else. */
function checkCustomType(resource: Resource, patched: JsonObject): void {
  const kind = textAt(patched, "kind");
  const version = textAt(patched, "apiVersion");
  const wanted = apiVersion(resource);
  const group = version.includes("/") ? (version.split("/")[0] ?? "") : "";
  const errors = [
    ...(kind === resource.kind ? [] : [invalid("kind", kind, `must be ${resource.kind}`)]),
    ...(version === wanted ? [] : [invalid("apiVersion", version, `must be ${wanted}`)]),
  ];
  if (errors.length > 0) throw invalidObject(group, kind, textAt(patched, "metadata", "name"), errors);
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
