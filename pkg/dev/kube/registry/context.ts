import type { Clock } from "../../../runtime/timing/index.ts";
import type { Faults } from "../faults.ts";
import type { Store } from "../storage/store.ts";
import type { JsonObject } from "../wire/json.ts";

/** Who asks. */
export interface User {
  readonly name: string;
  readonly uid: string;
  readonly groups: readonly string[];
  readonly extra: Readonly<Record<string, readonly string[]>>;
}

/** How strictly unknown and duplicate fields are taken. */
export type FieldValidation = "Strict" | "Warn" | "Ignore";

/** What the registry has to know of a request. `warnings` is filled on the way and goes out as headers. */
export interface Call {
  readonly user: User;
  readonly dryRun: boolean;
  readonly fieldValidation: FieldValidation;
  readonly warnings: string[];
}

/** One question to the authorizer. */
export interface AccessQuestion {
  readonly user: User;
  readonly verb: string;
  readonly group: string;
  readonly version: string;
  readonly resource: string;
  readonly subresource: string;
  readonly namespace: string;
  readonly name: string;
  /** Set for paths outside the resources; then the fields above are empty. */
  readonly path?: string;
}

/** The authorizer's answer; `reason` is the text of the rule that allowed, or of what went wrong. */
export interface AccessAnswer {
  readonly allowed: boolean;
  readonly reason: string;
}

/** What every part of the server works on. */
export interface Machine {
  readonly store: Store;
  readonly clock: Clock;
  readonly faults: Faults;
}

/** `2026-01-02T03:04:05Z` */
export function timestamp(clock: Clock, offsetMs = 0): string {
  return `${new Date(clock.now() + offsetMs).toISOString().slice(0, 19)}Z`;
}

/** The metadata of an object, to be read and changed in place. */
export function metaOf(object: JsonObject): JsonObject {
  const meta = object["metadata"];
  if (typeof meta === "object" && meta !== null && !Array.isArray(meta)) return meta;
  const made: JsonObject = {};
  object["metadata"] = made;
  return made;
}
