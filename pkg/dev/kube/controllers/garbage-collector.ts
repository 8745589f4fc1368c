import type { Catalog } from "../registry/catalog.ts";
import { type Call, type Machine, metaOf } from "../registry/context.ts";
import type { Deletes } from "../registry/deletes.ts";
import type { Resource } from "../registry/resource.ts";
import { keyOf } from "../storage/store.ts";
import { at, copy, type Json, type JsonObject, listAt, textAt, textsAt } from "../wire/json.ts";
import type { News, ResourceChange } from "./loop.ts";
import { OwnerIndex, type Place } from "./owner-index.ts";

/** Deletes what its owners have left behind, and does the work of the orphan and foreground finalizers. */
export class GarbageCollector {
  readonly #machine: Machine;
  readonly #catalog: Catalog;
  readonly #deletes: Deletes;
  readonly #call: Call;
  readonly #index = new OwnerIndex();

  constructor(machine: Machine, catalog: Catalog, deletes: Deletes, call: Call) {
    this.#machine = machine;
    this.#catalog = catalog;
    this.#deletes = deletes;
    this.#call = call;
  }

  step({ changes }: News): void {
    if (this.#machine.faults["no-garbage-collection"]) return;
    for (const change of changes) this.#index.note(change);
    for (const change of changes) this.#look(change);
  }

  #look({ group, resource, change }: ResourceChange): void {
    const place: Place = { group, resource, key: change.key };
    if (change.object === undefined) {
      for (const dependent of this.#dependents(textAt(change.previous, "metadata", "uid"))) this.#collect(dependent);
      this.#ownersOf(change.previous);
      return;
    }
    this.#finalize(place);
    if (listAt(change.object, "metadata", "ownerReferences").length > 0) this.#collect(place);
    this.#ownersOf(change.previous);
  }

  /** A dependent has changed or gone: owners that wait for it look again. */
  #ownersOf(dependent: JsonObject | undefined): void {
    const namespace = textAt(dependent, "metadata", "namespace");
    for (const reference of listAt(dependent, "metadata", "ownerReferences")) {
      const owner = this.#owner(reference, namespace);
      if (owner && this.#object(owner) !== undefined) this.#finalize(owner);
    }
  }

  #finalize(place: Place): void {
    const object = this.#object(place);
    if (object === undefined || textAt(object, "metadata", "deletionTimestamp") === "") return;
    const finalizers = textsAt(object, "metadata", "finalizers");
    if (finalizers.includes("orphan")) this.#orphan(place, object);
    else if (finalizers.includes("foregroundDeletion")) this.#foreground(place, object);
  }

  #dependents(uid: string): Place[] {
    return this.#index.dependents(uid).filter((place) => this.#object(place) !== undefined);
  }

  #orphan(place: Place, owner: JsonObject): void {
    const uid = textAt(owner, "metadata", "uid");
    for (const dependent of this.#dependents(uid)) {
      this.#change(dependent, (meta) => {
        const rest = listAt(meta, "ownerReferences").filter((each) => textAt(each, "uid") !== uid);
        if (rest.length === 0) delete meta["ownerReferences"];
        else meta["ownerReferences"] = rest;
      });
    }
    this.#dropFinalizer(place, "orphan");
  }

  #foreground(place: Place, owner: JsonObject): void {
    const uid = textAt(owner, "metadata", "uid");
    for (const dependent of this.#dependents(uid)) {
      const object = this.#object(dependent);
      if (textAt(object, "metadata", "deletionTimestamp") === "" && !this.#otherOwner(object, uid))
        this.#delete(dependent, "Foreground");
    }
    const blocking = this.#dependents(uid).some((dependent) =>
      listAt(this.#object(dependent), "metadata", "ownerReferences").some(
        (each) => textAt(each, "uid") === uid && at(each, "blockOwnerDeletion") === true,
      ),
    );
    if (!blocking) this.#dropFinalizer(place, "foregroundDeletion");
  }

  /** Deletes an object all of whose owners are gone; drops references to gone owners when others live. */
  #collect(place: Place): void {
    const object = this.#object(place);
    if (object === undefined || textAt(object, "metadata", "deletionTimestamp") !== "") return;
    const references = listAt(object, "metadata", "ownerReferences");
    const namespace = textAt(object, "metadata", "namespace");
    const dangling = references.filter((each) => this.#gone(each, namespace));
    if (dangling.length === 0) return;
    if (dangling.length === references.length) {
      this.#delete(place, policyOf(object));
      return;
    }
    this.#change(place, (meta) => {
      meta["ownerReferences"] = references.filter((each) => !dangling.includes(each));
    });
  }

  #otherOwner(object: JsonObject | undefined, uid: string): boolean {
    const namespace = textAt(object, "metadata", "namespace");
    return listAt(object, "metadata", "ownerReferences").some(
      (each) => textAt(each, "uid") !== uid && !this.#gone(each, namespace),
    );
  }

  /** Where an owner reference points; undefined when its kind is not known. */
  #owner(reference: Json, namespace: string): Place | undefined {
    const [version = "", group = ""] = textAt(reference, "apiVersion").split("/").reverse();
    const resource = this.#catalog.byKind(group, version, textAt(reference, "kind"));
    const key = keyOf(resource?.namespaced ? namespace : "", textAt(reference, "name"));
    return resource && { ...resource.storedIn, key };
  }

  #gone(reference: Json, namespace: string): boolean {
    const place = this.#owner(reference, namespace);
    return place !== undefined && textAt(this.#object(place), "metadata", "uid") !== textAt(reference, "uid");
  }

  #object({ group, resource, key }: Place): JsonObject | undefined {
    return this.#machine.store.collection(group, resource).get(key)?.object;
  }

  #resource({ group, resource }: Place): Resource | undefined {
    return this.#catalog.anyVersion(group, resource);
  }

  #delete(place: Place, propagationPolicy: string): void {
    const resource = this.#resource(place);
    const object = this.#object(place);
    if (resource === undefined || object === undefined) return;
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

  #dropFinalizer(place: Place, finalizer: string): void {
    this.#change(place, (meta) => {
      const rest = textsAt(meta, "finalizers").filter((other) => other !== finalizer);
      if (rest.length === 0) delete meta["finalizers"];
      else meta["finalizers"] = rest;
    });
  }

  /** Changes the metadata of the stored object, or removes it when that was the last finalizer. */
  #change(place: Place, change: (meta: JsonObject) => void): void {
    const current = this.#object(place);
    if (current === undefined) return;
    const next = copy(current);
    change(metaOf(next));
    const collection = this.#machine.store.collection(place.group, place.resource);
    const going =
      textAt(next, "metadata", "deletionTimestamp") !== "" && textsAt(next, "metadata", "finalizers").length === 0;
    if (going && this.#resource(place)?.strategy.mustStay?.(next) !== true) {
      collection.remove(place.key);
      return;
    }
    collection.put(place.key, (revision) => {
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
