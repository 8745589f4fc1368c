import type { GoField, GoType, GoTypes } from "../builtin/go-types.ts";
import { copy, equalJson, isObject, type Json, type JsonObject, setOwn } from "../wire/json.ts";

/** A strategic merge patch that can not be applied; the API server answers 400 or 422 as `status` says. */
export class StrategicPatchError extends Error {
  readonly status: number;

  constructor(message: string, status = 500) {
    super(message);
    this.status = status;
  }
}

const directive = "$patch";
const retainKeys = "$retainKeys";
const deleteFrom = "$deleteFromPrimitiveList/";
const orderOf = "$setElementOrder/";

/** Options of a merge; `replaceLists` is a planted fault. */
export interface StrategicOptions {
  readonly replaceLists?: boolean;
}

/** Applies a strategic merge patch to an object of a built-in type, by the merge keys of its Go type. */
export function strategicPatch(
  types: GoTypes,
  struct: string,
  original: JsonObject,
  patch: JsonObject,
  options: StrategicOptions = {},
): JsonObject {
  return new Merger(types, options).map(copy(original), copy(patch), { is: "struct", name: struct, text: struct });
}

class Merger {
  readonly #types: GoTypes;
  readonly #options: StrategicOptions;

  constructor(types: GoTypes, options: StrategicOptions) {
    this.#types = types;
    this.#options = options;
  }

  map(original: JsonObject, patch: JsonObject, type: GoType | undefined): JsonObject {
    if (directive in patch) return this.#directed(patch);
    this.#retain(original, patch);
    this.#reorder(original, patch, type);
    for (const [rawKey, value] of Object.entries(patch)) {
      if (rawKey.startsWith(orderOf) || rawKey === retainKeys) continue;
      const deleting = rawKey.startsWith(deleteFrom);
      const key = deleting ? rawKey.slice(deleteFrom.length) : rawKey;
      this.#field(original, key, value, this.#fieldOf(type, key), deleting);
    }
    return original;
  }

  #directed(patch: JsonObject): JsonObject {
    const { [directive]: what, ...rest } = patch;
    if (what === "replace") return rest;
    if (what === "delete") return {};
    throw new StrategicPatchError(`unknown patch type: ${String(what)} in map: ${goMap(patch)}`);
  }

  #field(original: JsonObject, key: string, value: Json, field: GoField | undefined, deleting: boolean): void {
    if (value === null) {
      delete original[key];
      return;
    }
    const before = Object.hasOwn(original, key) ? original[key] : undefined;
    if (isObject(before) && isObject(value)) {
      setOwn(original, key, this.map(before, value, field && bottom(field.type)));
    } else if (Array.isArray(before) && Array.isArray(value)) {
      setOwn(original, key, this.#list(before, value, field, deleting));
    } else if (!deleting) {
      const cleaned = withoutDirectives(withoutNulls(value));
      if (cleaned === undefined) delete original[key];
      else setOwn(original, key, cleaned);
    }
  }

  #fieldOf(type: GoType | undefined, key: string): GoField | undefined {
    if (type?.is === "struct") return this.#types.fields(type.name).get(key);
    if (type?.is === "map")
      return {
        name: key,
        type: type.of,
        omitEmpty: false,
        omitZero: false,
        merge: false,
        retainKeys: false,
        mergeKey: undefined,
        numbers: [],
      };
    return undefined;
  }

  #list(original: Json[], patch: Json[], field: GoField | undefined, deleting: boolean): Json[] {
    if (deleting) return original.filter((each) => !patch.some((gone) => equalJson(gone, each)));
    if (!field?.merge || this.#options.replaceLists) return patch;
    if (original.length === 0 && patch.length === 0) return original;
    const { mergeKey } = field;
    if (!isObject(original[0] ?? patch[0])) return this.#primitives(original, patch);
    if (mergeKey === undefined) throw new StrategicPatchError(`cannot merge lists without merge key for ${field.name}`);
    return this.#objects(original, patch, mergeKey, bottom(field.type));
  }

  #primitives(original: Json[], patch: Json[]): Json[] {
    const merged = unique([...original, ...patch]);
    const inPatch = merged.filter((each) => patch.some((other) => equalJson(other, each)));
    const serverOnly = merged.filter((each) => !inPatch.includes(each));
    return ordered(serverOnly, sortBy(inPatch, patch, equalJson), original, equalJson);
  }

  #objects(original: Json[], patch: Json[], mergeKey: string, type: GoType | undefined): Json[] {
    const plain: JsonObject[] = [];
    let kept = [...original];
    let replaced = false;
    for (const each of patch) {
      if (!isObject(each))
        throw new StrategicPatchError(`expected a map[string]interface {}, but received a ${typeof each}`);
      if (!(directive in each)) plain.push(each);
      else if (each[directive] === "replace") replaced = true;
      else if (each[directive] === "delete")
        kept = kept.filter((other) => !sameKey(other, keyed(each, mergeKey), mergeKey));
      else throw new StrategicPatchError(`unknown patch type: ${String(each[directive])} in map: ${goMap(each)}`);
    }
    if (replaced) return plain;
    for (const each of plain) {
      const at = kept.findIndex((other) => sameKey(other, keyed(each, mergeKey), mergeKey));
      if (at < 0) kept.push(withoutDirectives(withoutNulls(each)) ?? {});
      else kept[at] = this.map(kept[at] as JsonObject, each, type);
    }
    const same = (a: Json, b: Json): boolean => isObject(b) && sameKey(a, b, mergeKey);
    const inPatch = kept.filter((each) => plain.some((other) => same(each, other)));
    const serverOnly = kept.filter((each) => !inPatch.includes(each));
    return ordered(serverOnly, sortBy(inPatch, plain, same), original, same);
  }

  #retain(original: JsonObject, patch: JsonObject): void {
    const keep = patch[retainKeys];
    if (!Array.isArray(keep)) return;
    for (const key of Object.keys(original)) if (!keep.includes(key)) delete original[key];
  }

  /** `$setElementOrder/x`: merges list x now, in the order that the patch asks for. */
  #reorder(original: JsonObject, patch: JsonObject, type: GoType | undefined): void {
    for (const [rawKey, order] of Object.entries(patch)) {
      if (!rawKey.startsWith(orderOf) || !Array.isArray(order)) continue;
      const key = rawKey.slice(orderOf.length);
      const field = this.#fieldOf(type, key);
      const before = Array.isArray(original[key]) ? (original[key] as Json[]) : [];
      const changes = patch[key];
      const gone = patch[deleteFrom + key];
      let merged = Array.isArray(changes) ? this.#list(before, changes, field, false) : [...before];
      if (Array.isArray(gone)) merged = this.#list(merged, gone, field, true);
      delete patch[key];
      delete patch[deleteFrom + key];
      const mergeKey = field?.mergeKey;
      const same = (a: Json, b: Json): boolean =>
        mergeKey !== undefined && isObject(b) ? sameKey(a, b, mergeKey) : equalJson(a, b);
      const named = merged.filter((each) => order.some((other) => same(each, other)));
      const serverOnly = merged.filter((each) => !named.includes(each));
      if (merged.length > 0) original[key] = ordered(serverOnly, sortBy(named, order, same), before, same);
    }
  }
}

type Same = (a: Json, b: Json) => boolean;

const bottom = (type: GoType): GoType =>
  type.is === "pointer" ? bottom(type.to) : type.is === "list" ? bottom(type.of) : type;

function keyed(each: JsonObject, mergeKey: string): JsonObject {
  if (mergeKey in each) return each;
  throw new StrategicPatchError(`map: ${goMap(each)} does not contain declared merge key: ${mergeKey}`);
}

const sameKey = (a: Json, b: JsonObject, mergeKey: string): boolean =>
  isObject(a) && equalJson(a[mergeKey], b[mergeKey]);

const unique = (list: Json[]): Json[] =>
  list.filter((each, at) => list.findIndex((other) => equalJson(other, each)) === at);

const sortBy = (list: Json[], order: readonly Json[], same: Same): Json[] => {
  const rank = (each: Json): number => order.findIndex((other) => same(each, other));
  return [...list].sort((a, b) => rank(a) - rank(b));
};

/** Puts what only the server has among the patched ones, where the server's own order says so. */
function ordered(serverOnly: Json[], patched: Json[], before: readonly Json[], same: Same): Json[] {
  const rank = (each: Json): number => before.findIndex((other) => same(other, each) || same(each, other));
  const result: Json[] = [];
  let left = 0;
  let right = 0;
  while (left < serverOnly.length || right < patched.length) {
    const l = serverOnly[left];
    const r = patched[right];
    const takeLeft = r === undefined || (l !== undefined && rank(l) >= 0 && rank(r) >= 0 && rank(l) < rank(r));
    if (takeLeft && l !== undefined) {
      result.push(l);
      left += 1;
    } else if (r !== undefined) {
      result.push(r);
      right += 1;
    }
  }
  return result;
}

function withoutNulls(value: Json): Json {
  if (Array.isArray(value)) return value.map(withoutNulls);
  if (!isObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, each]) => each !== null)
      .map(([key, each]) => [key, withoutNulls(each)]),
  );
}

function withoutDirectives(value: Json): Json | undefined {
  if (Array.isArray(value)) return value.map(withoutDirectives).filter((each) => each !== undefined);
  if (!isObject(value)) return value;
  if (directive in value) return undefined;
  const result: JsonObject = {};
  for (const [key, each] of Object.entries(value)) {
    const cleaned = withoutDirectives(each);
    if (cleaned !== undefined) setOwn(result, key, cleaned);
  }
  return result;
}

/** A map as Go's %v prints it. */
export function goMap(value: JsonObject): string {
  const shown = (each: Json): string => {
    if (isObject(each)) return goMap(each);
    if (Array.isArray(each)) return `[${each.map(shown).join(" ")}]`;
    return each === null ? "<nil>" : String(each);
  };
  return `map[${Object.keys(value)
    .sort()
    .map((key) => `${key}:${shown(value[key] ?? null)}`)
    .join(" ")}]`;
}
