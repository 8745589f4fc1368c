import { randomBytes, randomUUID } from "node:crypto";
import type { Collection, Entry } from "../storage/collection.ts";
import { keyOf } from "../storage/store.ts";
import { type FieldError, invalid } from "../wire/field-error.ts";
import { at, copy, equalJson, type JsonObject, listAt, objectAt, textAt, textsAt } from "../wire/json.ts";
import { pathSegment } from "../wire/names.ts";
import {
  ApiFailure,
  alreadyExists,
  badRequest,
  conflict,
  generateNameConflict,
  invalidObject,
  modified,
  notFound,
} from "../wire/status.ts";
import { type Call, type Machine, metaOf, timestamp } from "./context.ts";
import { validateMeta, validateMetaUpdate } from "./object-meta.ts";
import type { Resource, Strategy } from "./resource.ts";

/** Where a write goes. */
export interface Target {
  readonly resource: Resource;
  readonly strategy: Strategy;
  readonly namespace: string;
}

/** Checks that come before anything is stored, such as whether the namespace takes new objects. */
export type CreateGuard = (target: Target, name: string) => void;

/** What a write gave; `created` is true when it made a new object. */
export interface Written {
  readonly object: JsonObject;
  readonly created: boolean;
}

/** Creates, updates and merges: the order of checks is the API server's. */
export class Writes {
  readonly #machine: Machine;
  readonly #guard: CreateGuard;

  constructor(machine: Machine, guard: CreateGuard) {
    this.#machine = machine;
    this.#guard = guard;
  }

  collection({ storedIn }: Resource): Collection {
    return this.#machine.store.collection(storedIn.group, storedIn.resource);
  }

  create(target: Target, body: JsonObject, call: Call): JsonObject {
    const next = copy(body);
    const meta = metaOf(next);
    wipeSystemFields(meta);
    matchNamespace(target, meta, this.#machine.faults["any-namespace"] === true);
    const generated = textAt(meta, "name") === "" && textAt(meta, "generateName") !== "";
    dedupeOwners(meta, call);
    if (!this.#machine.faults["any-namespace"]) this.#guard(target, textAt(meta, "name"));
    for (let attempt = 1; ; attempt += 1) {
      try {
        return this.#createOnce(target, copy(next), call, generated);
      } catch (thrown) {
        const taken = thrown instanceof ApiFailure && thrown.reason === "AlreadyExists";
        if (!generated || !taken || attempt >= 8) throw thrown;
      }
    }
  }

  #createOnce(target: Target, next: JsonObject, call: Call, generated: boolean): JsonObject {
    const { resource, strategy, namespace } = target;
    const meta = metaOf(next);
    meta["creationTimestamp"] = timestamp(this.#machine.clock);
    meta["uid"] = randomUUID();
    if (generated && !this.#machine.faults["no-generate-name"])
      meta["name"] = generateName(textAt(meta, "generateName"));
    strategy.guardWrite?.(next, undefined, call);
    strategy.prepareCreate(next, call);
    this.#refuse(resource, next, [...strategy.validateCreate(next, call)]);
    this.#refuse(resource, next, validateMeta(metaOf(next), resource.namespaced, pathSegment));
    for (const warning of strategy.warnings?.(next, undefined) ?? []) call.warnings.push(warning);
    const name = textAt(next, "metadata", "name");
    const key = keyOf(namespace, name);
    const sent = textAt(next, "metadata", "resourceVersion");
    if (sent !== "" && sent !== "0") {
      throw new ApiFailure(500, "", "resourceVersion should not be set on objects to be created");
    }
    const existing = this.collection(resource).get(key);
    if (existing) throw taken(resource, name, existing, generated);
    const stored = this.#store(resource, key, next, call);
    strategy.afterCreate?.(stored);
    return stored;
  }

  /**
   * Replaces an object by what `change` makes of the current one. `change` gets undefined when there is none, and
   * throws NotFound unless the strategy creates on update.
   */
  update(
    target: Target,
    name: string,
    change: (current: JsonObject | undefined) => JsonObject,
    call: Call,
    precondition?: string,
  ): Written {
    const { resource, strategy, namespace } = target;
    const existing = this.collection(resource).get(keyOf(namespace, name));
    if (existing === undefined) {
      if (!strategy.createOnUpdate) throw notFound(resource, name);
      return { object: this.#createByUpdate(target, name, change(undefined), call), created: true };
    }
    const old = existing.object;
    const uid = textAt(old, "metadata", "uid");
    if (precondition !== undefined && precondition !== "" && precondition !== uid) {
      throw conflict(resource, name, uidMismatch(resource, namespace, name, precondition, uid));
    }
    const next = copy(change(copy(old)));
    this.#checkVersion(target, name, next, old);
    strategy.guardWrite?.(next, old, call);
    this.#prepareUpdate(target, next, old, call);
    if (this.#goesNow(strategy, next, old)) {
      if (!call.dryRun) this.collection(resource).remove(existing.key);
      return { object: next, created: false };
    }
    return { object: this.#storeUpdate(resource, existing, next, call), created: false };
  }

  #createByUpdate(target: Target, name: string, body: JsonObject, call: Call): JsonObject {
    const meta = metaOf(body);
    if (textAt(meta, "uid") !== "") {
      const why = `uid mismatch: the provided object specified uid ${textAt(meta, "uid")}, and no existing object was found`;
      throw conflict(target.resource, name, why);
    }
    delete meta["resourceVersion"];
    return this.create(target, body, call);
  }

  #checkVersion({ resource, strategy }: Target, name: string, next: JsonObject, old: JsonObject): void {
    const meta = metaOf(next);
    const given = textAt(meta, "resourceVersion");
    const current = textAt(old, "metadata", "resourceVersion");
    if (!/^\d*$/.test(given)) {
      throw new ApiFailure(500, "", `strconv.ParseUint: parsing ${JSON.stringify(given)}: invalid syntax`);
    }
    if (given === "" || Number(given) === 0) {
      if (!strategy.unconditionalUpdate) {
        throw invalidObject(resource.group, resource.resource, name, [
          invalid("metadata.resourceVersion", 0, "must be specified for an update"),
        ]);
      }
      meta["resourceVersion"] = current;
    } else if (given !== current) {
      if (!this.#machine.faults["skip-conflict-check"]) throw conflict(resource, name, modified);
      meta["resourceVersion"] = current;
    }
  }

  #prepareUpdate({ resource, strategy, namespace }: Target, next: JsonObject, old: JsonObject, call: Call): void {
    const meta = metaOf(next);
    const before = metaOf(old);
    matchNamespace({ resource, strategy, namespace }, meta, false);
    dedupeOwners(meta, call);
    keep(meta, before, "generation");
    strategy.prepareUpdate(next, old, call);
    if (this.#machine.faults["frozen-generation"]) keep(meta, before, "generation");
    if (this.#machine.faults["generation-counts-metadata"] && typeof before["generation"] === "number") {
      meta["generation"] = before["generation"] + 1;
    }
    if (textAt(meta, "uid") === "") keep(meta, before, "uid");
    keep(meta, before, "creationTimestamp");
    if (before["deletionTimestamp"] !== undefined) keep(meta, before, "deletionTimestamp");
    if (before["deletionGracePeriodSeconds"] !== undefined && meta["deletionGracePeriodSeconds"] === undefined) {
      keep(meta, before, "deletionGracePeriodSeconds");
    }
    if (before["selfLink"] === undefined) delete meta["selfLink"];
    this.#refuse(resource, next, [
      ...validateMeta(meta, resource.namespaced, pathSegment),
      ...validateMetaUpdate(meta, before),
      ...strategy.validateUpdate(next, old, call),
    ]);
    for (const warning of strategy.warnings?.(next, old) ?? []) call.warnings.push(warning);
  }

  #goesNow(strategy: Strategy, next: JsonObject, old: JsonObject): boolean {
    if (textsAt(next, "metadata", "finalizers").length > 0) return false;
    if (at(old, "metadata", "deletionTimestamp") === undefined) return false;
    const grace = at(old, "metadata", "deletionGracePeriodSeconds") ?? 0;
    return grace === 0 && strategy.mustStay?.(next) !== true;
  }

  #storeUpdate(resource: Resource, existing: Entry, next: JsonObject, call: Call): JsonObject {
    if (equalJson(next, existing.object)) return existing.object;
    return this.#store(resource, existing.key, next, call);
  }

  #store(resource: Resource, key: string, next: JsonObject, call: Call): JsonObject {
    delete metaOf(next)["managedFields"];
    if (call.dryRun && !this.#machine.faults["dry-run-persists"]) {
      if (this.collection(resource).get(key) === undefined) delete metaOf(next)["resourceVersion"];
      return next;
    }
    return this.collection(resource).put(key, (revision) => {
      metaOf(next)["resourceVersion"] = String(revision);
      return next;
    }).object;
  }

  #refuse(resource: Resource, next: JsonObject, errors: readonly FieldError[]): void {
    const seen = this.#machine.faults["any-name"] ? errors.filter((each) => each.field !== "metadata.name") : errors;
    if (seen.length > 0)
      throw invalidObject(resource.storedIn.group, resource.kind, textAt(next, "metadata", "name"), seen);
  }
}

/** The storage layer's words for a UID that is not the stored one. */
export function uidMismatch(
  resource: Resource,
  namespace: string,
  name: string,
  wanted: string,
  found: string,
): string {
  return storageError(
    resource,
    namespace,
    name,
    `Precondition failed: UID in precondition: ${wanted}, UID in object meta: ${found}`,
  );
}

function storageError(resource: Resource, namespace: string, name: string, what: string): string {
  const key = `/registry/${resource.custom ? `${resource.group}/` : ""}${resource.resource}/${keyOf(namespace, name)}`;
  return `StorageError: invalid object, Code: 4, Key: ${key}, ResourceVersion: 0, AdditionalErrorMsg: ${what}`;
}

function taken(resource: Resource, name: string, existing: Entry, generated: boolean): ApiFailure {
  const failure = generated ? generateNameConflict(resource, name) : alreadyExists(resource, name);
  if (at(existing.object, "metadata", "deletionTimestamp") === undefined) return failure;
  return new ApiFailure(failure.code, failure.reason, `object is being deleted: ${failure.message}`, failure.details);
}

function wipeSystemFields(meta: JsonObject): void {
  for (const field of [
    "creationTimestamp",
    "uid",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "selfLink",
    "managedFields",
  ]) {
    delete meta[field];
  }
}

/** The namespace of the object is that of the request, or the request is refused. */
export function matchNamespace({ resource, namespace }: Target, meta: JsonObject, lax: boolean): void {
  const wanted = resource.namespaced ? namespace : "";
  const given = textAt(meta, "namespace");
  if (given === wanted || lax) return;
  if (given === "") meta["namespace"] = wanted;
  else if (wanted === "") delete meta["namespace"];
  else throw badRequest("the namespace of the provided object does not match the namespace sent on the request");
}

function dedupeOwners(meta: JsonObject, call: Call): void {
  const owners = listAt(meta, "ownerReferences");
  const seen = new Set<string>();
  const kept = owners.filter((owner) => {
    const uid = textAt(owner, "uid");
    if (seen.has(uid)) return false;
    seen.add(uid);
    return true;
  });
  if (kept.length === owners.length) return;
  const repeated = [...new Set(owners.filter((owner) => !kept.includes(owner)).map((owner) => textAt(owner, "uid")))];
  meta["ownerReferences"] = kept;
  call.warnings.push(
    `.metadata.ownerReferences contains duplicate entries; API server dedups owner references in 1.20+, and may reject such requests as early as 1.24; please fix your requests; duplicate UID(s) observed: ${repeated.join(", ")}`,
  );
}

function keep(meta: JsonObject, before: JsonObject, field: string): void {
  const value = before[field];
  if (value === undefined) delete meta[field];
  else meta[field] = copy(value);
}

const alphabet = "bcdfghjklmnpqrstvwxz2456789";

/** A prefix, cut to 58 characters, and five random ones. */
export function generateName(prefix: string): string {
  const random = [...randomBytes(5)].map((byte) => alphabet[byte % alphabet.length]).join("");
  return prefix.slice(0, 58) + random;
}

/** True when nothing but metadata differs. */
export function sameBesidesMeta(a: JsonObject, b: JsonObject): boolean {
  const { metadata: _a, ...restA } = a;
  const { metadata: _b, ...restB } = b;
  return equalJson(restA, restB);
}

/** Labels of an object, for selectors. */
export const labelsOf = (object: JsonObject): JsonObject => objectAt(object, "metadata", "labels");
