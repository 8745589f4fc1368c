import { isObject, type Json, type JsonObject } from "../wire/json.ts";
import { unifiedDiff } from "../wire/unified-diff.ts";

/** How a part of an object looks in the API server's own Go types, which some refusals print. */
export type Dump = (value: Json | undefined) => Json;

/** A field in Go, and in JSON. */
export type DumpField = readonly [go: string, json: string, dump?: Dump];

const asIs: Dump = (value) => value ?? null;

/** A value that is never nil in Go. */
export const plain =
  (zero: Json): Dump =>
  (value) =>
    value ?? zero;

/** A Go struct. */
export const struct =
  (...fields: readonly DumpField[]): Dump =>
  (value) => {
    const object = isObject(value ?? null) ? (value as JsonObject) : {};
    return Object.fromEntries(fields.map(([go, json, dump = asIs]) => [go, dump(object[json])]));
  };

/** A pointer to a Go struct. */
export const pointer =
  (to: Dump): Dump =>
  (value) =>
    value === undefined || value === null ? null : to(value);

/** What changed between two values, as the API server shows it in refusals. */
export function dumpDiff(dump: Dump, before: Json | undefined, after: Json | undefined): string {
  const text = (value: Json | undefined) => JSON.stringify(dump(value), null, 1);
  return unifiedDiff(text(before), text(after));
}
