import { metaOf } from "../registry/context.ts";
import type { Collection } from "../storage/collection.ts";
import { copy, equalJson, type JsonObject } from "../wire/json.ts";

/** Changes a stored object and answers the new one; nothing is stored when the change changes nothing. */
export function amend(collection: Collection, key: string, change: (next: JsonObject) => void): JsonObject | undefined {
  const current = collection.get(key)?.object;
  if (current === undefined) return undefined;
  const next = copy(current);
  change(next);
  if (equalJson(next, current)) return current;
  return collection.put(key, (revision) => {
    metaOf(next)["resourceVersion"] = String(revision);
    return next;
  }).object;
}
