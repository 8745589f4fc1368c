import type { Collection, Entry } from "../storage/collection.ts";
import { keyOf } from "../storage/store.ts";
import { at, copy, equalJson, type JsonObject, textAt, textsAt } from "../wire/json.ts";
import { conflict, notFound } from "../wire/status.ts";
import { type Call, type Machine, metaOf, timestamp } from "./context.ts";
import type { DeleteOptions } from "./options.ts";
import type { Resource, Strategy } from "./resource.ts";
import type { Target } from "./writes.ts";

/** What a deletion gave: the object as it is or was last, and whether it is gone. */
export interface Removed {
  readonly object: JsonObject;
  readonly gone: boolean;
}

const orphan = "orphan";
const foreground = "foregroundDeletion";

/** Deletions: preconditions, grace, finalizers, and the finalizers that ask the garbage collector for work. */
export class Deletes {
  readonly #machine: Machine;

  constructor(machine: Machine) {
    this.#machine = machine;
  }

  #collection({ storedIn }: Resource): Collection {
    return this.#machine.store.collection(storedIn.group, storedIn.resource);
  }

  delete(target: Target, name: string, options: DeleteOptions, call: Call): Removed {
    const { resource, strategy, namespace } = target;
    const entry = this.#collection(resource).get(keyOf(namespace, name));
    if (entry === undefined) throw notFound(resource, name);
    if (!this.#machine.faults["ignore-preconditions"]) checkPreconditions(target, name, entry.object, options);
    strategy.guardDelete?.(entry.object, call);
    const next = copy(entry.object);
    if (strategy.markDeletion && at(next, "metadata", "deletionTimestamp") === undefined) {
      strategy.markDeletion(next);
      return { object: this.#mark(resource, entry, next, call), gone: false };
    }
    const graceful = this.#grace(strategy, next, options);
    if (graceful === "pending") return { object: entry.object, gone: false };
    const finalizers = this.#machine.faults["ignore-finalizers"] ? [] : wantedFinalizers(next, options);
    setFinalizers(next, finalizers);
    if (graceful === "marked" && Number(at(next, "metadata", "deletionGracePeriodSeconds") ?? 0) > 0) {
      return { object: this.#mark(resource, entry, next, call), gone: false };
    }
    if (finalizers.length > 0 || strategy.mustStay?.(next) === true) {
      if (graceful !== "marked") markDeleting(next, timestamp(this.#machine.clock));
      return { object: this.#mark(resource, entry, next, call), gone: false };
    }
    return { object: this.#remove(resource, entry, next, call), gone: true };
  }

  /** Whether the object waits out a grace period: not at all, from now on, or it already does. */
  #grace(strategy: Strategy, next: JsonObject, options: DeleteOptions): "none" | "marked" | "pending" {
    if (strategy.grace === undefined) return "none";
    const meta = metaOf(next);
    const asked =
      options.gracePeriodSeconds !== undefined && options.gracePeriodSeconds < 0 ? 1 : options.gracePeriodSeconds;
    const current = Number(meta["deletionGracePeriodSeconds"] ?? 0);
    if (meta["deletionTimestamp"] !== undefined) {
      if (current === 0) return "none";
      if (asked === undefined || asked >= current) return "pending";
      meta["deletionTimestamp"] = timestamp(this.#machine.clock, asked * 1000);
      meta["deletionGracePeriodSeconds"] = asked;
      return "marked";
    }
    const seconds = strategy.grace(next, asked);
    if (seconds === undefined) return "none";
    meta["deletionTimestamp"] = timestamp(this.#machine.clock, seconds * 1000);
    meta["deletionGracePeriodSeconds"] = seconds;
    bumpGeneration(meta);
    return "marked";
  }

  #mark(resource: Resource, entry: Entry, next: JsonObject, call: Call): JsonObject {
    if (equalJson(next, entry.object)) return entry.object;
    if (call.dryRun && !this.#machine.faults["dry-run-persists"]) return next;
    return this.#collection(resource).put(entry.key, (revision) => {
      metaOf(next)["resourceVersion"] = String(revision);
      return next;
    }).object;
  }

  #remove(resource: Resource, entry: Entry, next: JsonObject, call: Call): JsonObject {
    if (call.dryRun && !this.#machine.faults["dry-run-persists"]) return entry.object;
    const removed = this.#collection(resource).remove(entry.key);
    metaOf(next)["resourceVersion"] = String(removed?.revision ?? entry.revision);
    return next;
  }
}

function checkPreconditions({ resource }: Target, name: string, object: JsonObject, options: DeleteOptions): void {
  const { uid, resourceVersion } = options.preconditions;
  const kind = { group: resource.group, resource: resource.kind };
  const foundUid = textAt(object, "metadata", "uid");
  const foundVersion = textAt(object, "metadata", "resourceVersion");
  if (uid !== undefined && uid !== foundUid) {
    const why = `the UID in the precondition (${uid}) does not match the UID in record (${foundUid}). The object might have been deleted and then recreated`;
    throw conflict(kind, name, why);
  }
  if (resourceVersion !== undefined && resourceVersion !== foundVersion) {
    const why = `the ResourceVersion in the precondition (${resourceVersion}) does not match the ResourceVersion in record (${foundVersion}). The object might have been modified`;
    throw conflict(kind, name, why);
  }
}

/** The finalizers of an object that is being deleted with these options. */
function wantedFinalizers(object: JsonObject, options: DeleteOptions): string[] {
  const given = textsAt(object, "metadata", "finalizers");
  const plain = given.filter((each) => each !== orphan && each !== foreground);
  return [
    ...plain,
    ...(asksFor(orphan, given, options) ? [orphan] : []),
    ...(asksFor(foreground, given, options) ? [foreground] : []),
  ];
}

function asksFor(finalizer: string, given: readonly string[], options: DeleteOptions): boolean {
  if (options.orphanDependents !== undefined) return finalizer === orphan && options.orphanDependents;
  if (options.propagationPolicy !== undefined) {
    return options.propagationPolicy === (finalizer === orphan ? "Orphan" : "Foreground");
  }
  return given.find((each) => each === orphan || each === foreground) === finalizer;
}

function setFinalizers(object: JsonObject, finalizers: readonly string[]): void {
  if (finalizers.length === 0) delete metaOf(object)["finalizers"];
  else metaOf(object)["finalizers"] = [...finalizers];
}

/** Marks an object without a grace period as being deleted. */
export function markDeleting(object: JsonObject, now: string): void {
  const meta = metaOf(object);
  if (meta["deletionTimestamp"] === undefined) bumpGeneration(meta);
  const existing = textAt(meta, "deletionTimestamp");
  if (existing === "" || existing > now) meta["deletionTimestamp"] = now;
  meta["deletionGracePeriodSeconds"] = 0;
}

function bumpGeneration(meta: JsonObject): void {
  if (typeof meta["generation"] === "number" && meta["generation"] > 0) meta["generation"] += 1;
}
