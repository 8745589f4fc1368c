import { copy, isObject, type Json, type JsonObject, setOwn } from "../wire/json.ts";

/** RFC 7386. `keepNull` is a planted fault: null then stays a value. */
export function mergePatch(target: Json | undefined, patch: Json, keepNull = false): Json {
  if (!isObject(patch)) return patch;
  const result: JsonObject = isObject(target) ? { ...target } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null && !keepNull) delete result[key];
    else setOwn(result, key, mergePatch(Object.hasOwn(result, key) ? result[key] : undefined, value, keepNull));
  }
  return copy(result);
}
