import type { Catalog } from "../registry/catalog.ts";
import { type Call, type Machine, metaOf } from "../registry/context.ts";
import type { Deletes } from "../registry/deletes.ts";
import type { Resource } from "../registry/resource.ts";
import { keyOf } from "../storage/store.ts";
import { at, copy, isObject, type Json, type JsonObject, listAt, textAt, textsAt } from "../wire/json.ts";

interface Owned {
  readonly resource: Resource;
  readonly object: JsonObject;
}

/** Deletes what its owners have left behind, and does the work of the orphan and foreground finalizers. */
export class GarbageCollector {
  readonly #machine: Machine;
  readonly #catalog: Catalog;
  readonly #deletes: Deletes;
  readonly #call: Call;

  constructor(machine: Machine, catalog: Catalog, deletes: Deletes, call: Call) {
    this.#machine = machine;
    this.#catalog = catalog;
    this.#deletes = deletes;
    this.#call = call;
  }

  /** Does one round of work; true when something changed. */
  step(): boolean {
    if (this.#machine.faults["no-garbage-collection"]) return false;
    const before = this.#machine.store.revisions.current;
    const all = this.#objects();
    const owned = all.filter(({ object }) => listAt(object, "metadata", "ownerReferences").length > 0);
    for (const { object, resource } of all) {
      if (textAt(object, "metadata", "deletionTimestamp") === "") continue;
      const finalizers = textsAt(object, "metadata", "finalizers");
      if (finalizers.includes("orphan")) this.#orphan(resource, object, owned);
      else if (finalizers.includes("foregroundDeletion")) this.#foreground(resource, object, owned);
    }
    for (const each of owned) this.#collect(each);
    return this.#machine.store.revisions.current !== before;
  }

  #objects(): Owned[] {
    const seen = new Set<string>();
    return this.#catalog.all().flatMap((resource) => {
      const { group, resource: plural } = resource.storedIn;
      if (seen.has(`${group}/${plural}`)) return [];
      seen.add(`${group}/${plural}`);
      return this.#machine.store
        .collection(group, plural)
        .list()
        .map(({ object }) => ({ resource, object }));
    });
  }

  #dependents(owner: JsonObject, owned: readonly Owned[]): Owned[] {
    const uid = textAt(owner, "metadata", "uid");
    return owned.filter(({ object }) =>
      listAt(object, "metadata", "ownerReferences").some((each) => textAt(each, "uid") === uid),
    );
  }

  #orphan(resource: Resource, owner: JsonObject, owned: readonly Owned[]): void {
    const uid = textAt(owner, "metadata", "uid");
    for (const dependent of this.#dependents(owner, owned)) {
      this.#change(dependent, (meta) => {
        const rest = listAt(meta, "ownerReferences").filter((each) => textAt(each, "uid") !== uid);
        if (rest.length === 0) delete meta["ownerReferences"];
        else meta["ownerReferences"] = rest;
      });
    }
    this.#dropFinalizer({ resource, object: owner }, "orphan");
  }

  #foreground(resource: Resource, owner: JsonObject, owned: readonly Owned[]): void {
    const uid = textAt(owner, "metadata", "uid");
    const dependents = this.#dependents(owner, owned).filter((each) => this.#current(each) !== undefined);
    for (const dependent of dependents) {
      if (textAt(dependent.object, "metadata", "deletionTimestamp") === "" && !this.#otherOwner(dependent, uid))
        this.#delete(dependent, "Foreground");
    }
    const blocking = dependents.filter(
      (each) =>
        this.#current(each) !== undefined &&
        listAt(each.object, "metadata", "ownerReferences").some(
          (ref) => textAt(ref, "uid") === uid && at(ref, "blockOwnerDeletion") === true,
        ),
    );
    if (blocking.length === 0) this.#dropFinalizer({ resource, object: owner }, "foregroundDeletion");
  }

  /** Deletes an object all of whose owners are gone; drops references to gone owners when others live. */
  #collect(dependent: Owned): void {
    const current = this.#current(dependent);
    if (current === undefined || textAt(current, "metadata", "deletionTimestamp") !== "") return;
    const references = listAt(current, "metadata", "ownerReferences");
    const namespace = textAt(current, "metadata", "namespace");
    const dangling = references.filter((each) => this.#gone(each, namespace));
    if (dangling.length === 0) return;
    if (dangling.length === references.length) {
      this.#delete({ resource: dependent.resource, object: current }, policyOf(current));
      return;
    }
    this.#change({ resource: dependent.resource, object: current }, (meta) => {
      meta["ownerReferences"] = references.filter((each) => !dangling.includes(each));
    });
  }

  #otherOwner(dependent: Owned, uid: string): boolean {
    const namespace = textAt(dependent.object, "metadata", "namespace");
    return listAt(dependent.object, "metadata", "ownerReferences").some(
      (each) => textAt(each, "uid") !== uid && !this.#gone(each, namespace),
    );
  }

  #gone(reference: Json, namespace: string): boolean {
    const [version = "", group = ""] = textAt(reference, "apiVersion").split("/").reverse();
    const resource = this.#catalog.byKind(group, version, textAt(reference, "kind"));
    if (resource === undefined) return false;
    const key = keyOf(resource.namespaced ? namespace : "", textAt(reference, "name"));
    const owner = this.#machine.store.collection(resource.storedIn.group, resource.storedIn.resource).get(key)?.object;
    return owner === undefined || textAt(owner, "metadata", "uid") !== textAt(reference, "uid");
  }

  #current({ resource, object }: Owned): JsonObject | undefined {
    const key = keyOf(textAt(object, "metadata", "namespace"), textAt(object, "metadata", "name"));
    const found = this.#machine.store.collection(resource.storedIn.group, resource.storedIn.resource).get(key)?.object;
    return found !== undefined && textAt(found, "metadata", "uid") === textAt(object, "metadata", "uid")
      ? found
      : undefined;
  }

  #delete({ resource, object }: Owned, propagationPolicy: string): void {
    const target = { resource, strategy: resource.strategy, namespace: textAt(object, "metadata", "namespace") };
    const options = {
      dryRun: false,
      gracePeriodSeconds: undefined,
      propagationPolicy,
      orphanDependents: undefined,
      preconditions: {},
    };
    this.#deletes.delete(target, textAt(object, "metadata", "name"), options, this.#call);
  }

  #dropFinalizer(each: Owned, finalizer: string): void {
    this.#change(each, (meta) => {
      const rest = textsAt(meta, "finalizers").filter((other) => other !== finalizer);
      if (rest.length === 0) delete meta["finalizers"];
      else meta["finalizers"] = rest;
    });
  }

  /** Changes the metadata of the stored object, or removes it when that was the last finalizer. */
  #change(each: Owned, change: (meta: JsonObject) => void): void {
    const current = this.#current(each);
    if (!isObject(current)) return;
    const next = copy(current);
    change(metaOf(next));
    const { group, resource } = each.resource.storedIn;
    const collection = this.#machine.store.collection(group, resource);
    const key = keyOf(textAt(next, "metadata", "namespace"), textAt(next, "metadata", "name"));
    const going =
      textAt(next, "metadata", "deletionTimestamp") !== "" && textsAt(next, "metadata", "finalizers").length === 0;
    if (going && each.resource.strategy.mustStay?.(next) !== true) {
      collection.remove(key);
      return;
    }
    collection.put(key, (revision) => {
      metaOf(next)["resourceVersion"] = String(revision);
      return next;
    });
  }
}

function policyOf(object: JsonObject): string {
  const finalizers = textsAt(object, "metadata", "finalizers");
  if (finalizers.includes("orphan")) return "Orphan";
  return finalizers.includes("foregroundDeletion") ? "Foreground" : "Background";
}
