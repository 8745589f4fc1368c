/** Any JSON value; integers beyond 2^53 are bigint, so that nothing is rounded on its way through. */
export type Json = null | boolean | number | bigint | string | Json[] | JsonObject;

/** A JSON object. Stored objects are never changed in place: copy first. */
export type JsonObject = { [key: string]: Json };

const longNumber = /[:[,\s-]\d{16,}/;

interface ReviverContext {
  readonly source?: string;
}
type ParseWithSource = (text: string, reviver: (key: string, value: Json, context: ReviverContext) => Json) => Json;
const rawJson = (JSON as unknown as { rawJSON(text: string): Json }).rawJSON;

/** Parses JSON; integers that a double would round become bigint. Throws SyntaxError. */
export function parseJson(text: string): Json {
  if (!longNumber.test(text)) return JSON.parse(text) as Json;
  return (JSON.parse as unknown as ParseWithSource)(text, (_key, value, context) => {
    if (typeof value !== "number" || Number.isSafeInteger(value) || !/^-?\d+$/.test(context.source ?? "")) return value;
    return BigInt(context.source ?? "0");
  });
}

/** The JSON text of a value; bigint becomes a plain number. */
export function stringifyJson(value: unknown): string {
  return JSON.stringify(value, (_key, each: unknown) => (typeof each === "bigint" ? rawJson(each.toString()) : each));
}

/** The JSON text as Go's encoder writes it, with `<`, `>`, `&` escaped. Typed values have their fields in Go's order. */
export function goJson(value: Json): string {
  return stringifyJson(value).replace(
    /[<>&\u2028\u2029]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

/** A copy with all keys in order, as Go writes values without a type. */
export function sorted(value: Json): Json {
  if (Array.isArray(value)) return value.map(sorted);
  if (!isObject(value)) return value;
  return Object.fromEntries(
    Object.keys(value)
      .sort(byBytes)
      .map((key) => [key, sorted(value[key] as Json)]),
  );
}

/** Orders strings as Go does, by their UTF-8 bytes. */
export function byBytes(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

export function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A deep copy; a missing value stays missing. */
export function copy<T extends Json | undefined>(value: T): T {
  if (Array.isArray(value)) return value.map(copy) as T;
  if (!isObject(value)) return value;
  const result: JsonObject = {};
  for (const key of Object.keys(value)) setOwn(result, key, copy(value[key] as Json));
  return result as T;
}

/** Sets a key even when it is called `__proto__`. */
export function setOwn(target: JsonObject, key: string, value: Json): void {
  if (key === "__proto__")
    Object.defineProperty(target, key, { value, enumerable: true, writable: true, configurable: true });
  else target[key] = value;
}

/** Deep equality of JSON values; 1 and 1n are equal, key order does not matter. */
export function equalJson(a: Json | undefined, b: Json | undefined): boolean {
  if (a === b) return true;
  if (Array.isArray(a)) {
    return Array.isArray(b) && a.length === b.length && a.every((each, index) => equalJson(each, b[index]));
  }
  if (isObject(a)) {
    if (!isObject(b)) return false;
    const keys = Object.keys(a);
    return keys.length === Object.keys(b).length && keys.every((key) => key in b && equalJson(a[key], b[key]));
  }
  const numeric = (value: Json | undefined): boolean => typeof value === "number" || typeof value === "bigint";
  return numeric(a) && numeric(b) && String(a) === String(b);
}

/** Like equalJson, but an absent, null or empty value equals another such value. */
export function equalSemantic(a: Json | undefined, b: Json | undefined): boolean {
  if (isVoid(a) || isVoid(b)) return isVoid(a) && isVoid(b);
  if (Array.isArray(a)) {
    return Array.isArray(b) && a.length === b.length && a.every((each, index) => equalSemantic(each, b[index]));
  }
  if (isObject(a)) {
    if (!isObject(b)) return false;
    return [...new Set([...Object.keys(a), ...Object.keys(b)])].every((key) => equalSemantic(a[key], b[key]));
  }
  return equalJson(a, b);
}

function isVoid(value: Json | undefined): boolean {
  if (value === undefined || value === null) return true;
  return typeof value === "object" && Object.keys(value).length === 0;
}

/** The value at a path of keys, or undefined. */
export function at(value: Json | undefined, ...path: readonly string[]): Json | undefined {
  let here = value;
  for (const key of path) {
    if (!isObject(here)) return undefined;
    here = Object.hasOwn(here, key) ? here[key] : undefined;
  }
  return here;
}

export function textAt(value: Json | undefined, ...path: readonly string[]): string {
  const found = at(value, ...path);
  return typeof found === "string" ? found : "";
}

export function objectAt(value: Json | undefined, ...path: readonly string[]): JsonObject {
  const found = at(value, ...path);
  return isObject(found) ? found : {};
}

export function listAt(value: Json | undefined, ...path: readonly string[]): Json[] {
  const found = at(value, ...path);
  return Array.isArray(found) ? found : [];
}

export function textsAt(value: Json | undefined, ...path: readonly string[]): string[] {
  return listAt(value, ...path).filter((each) => typeof each === "string");
}
