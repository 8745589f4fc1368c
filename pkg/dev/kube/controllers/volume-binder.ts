import { compareQuantities, parseQuantity } from "../builtin/quantity.ts";
import { type Machine, metaOf, timestamp } from "../registry/context.ts";
import type { Collection } from "../storage/collection.ts";
import { keyOf } from "../storage/store.ts";
import { at, equalJson, isObject, type Json, type JsonObject, objectAt, textAt, textsAt } from "../wire/json.ts";
import { amend } from "./amend.ts";
import type { News, ResourceChange } from "./loop.ts";

const bindCompleted = "pv.kubernetes.io/bind-completed";
const byController = "pv.kubernetes.io/bound-by-controller";
const provisioner = "volume.kubernetes.io/storage-provisioner";
const oldProvisioner = "volume.beta.kubernetes.io/storage-provisioner";
const resyncMs = 15_000;
const selectedNode = "volume.kubernetes.io/selected-node";

/**
 * Brings claims and volumes together, asks external provisioners for the volumes of classes, and releases the volumes
 * of claims that are gone. It provisions and deletes nothing itself.
 */
export class VolumeBinder {
  readonly #machine: Machine;
  /** Keys of pending claims that will be looked at again. */
  readonly #again = new Set<string>();

  constructor(machine: Machine) {
    this.#machine = machine;
  }

  step(news: News): void {
    for (const change of news.changes) {
      if (change.group !== "") continue;
      if (change.resource === "persistentvolumes") this.#settleVolume(this.#volumes.get(change.change.key)?.object);
      if (change.resource !== "persistentvolumeclaims") continue;
      const { key } = change.change;
      this.#settleVolume(this.#volumes.get(textAt(change.change.previous, "spec", "volumeName"))?.object);
      this.#settleClaim(key, this.#claims.get(key)?.object);
      if (isPending(this.#claims.get(key)?.object)) this.#lookAgain(news, change);
    }
  }

  /** As in the real controller, a new volume wakes no claim: pending ones are looked at from time to time. */
  #lookAgain(news: News, change: ResourceChange): void {
    const { key } = change.change;
    if (this.#again.has(key)) return;
    this.#again.add(key);
    news.later(resyncMs, () => {
      this.#again.delete(key);
      return change;
    });
  }

  get #volumes(): Collection {
    return this.#machine.store.collection("", "persistentvolumes");
  }

  get #claims(): Collection {
    return this.#machine.store.collection("", "persistentvolumeclaims");
  }

  #settleVolume(volume: JsonObject | undefined): void {
    if (volume === undefined) return;
    const wanted = textAt(volume, "spec", "claimRef", "uid");
    if (wanted === "") this.#phase(volume, "Available");
    else if (textAt(this.#claimOf(volume), "metadata", "uid") !== wanted) this.#phase(volume, "Released");
  }

  #claimOf(volume: JsonObject): JsonObject | undefined {
    const reference = objectAt(volume, "spec", "claimRef");
    return this.#claims.get(keyOf(textAt(reference, "namespace"), textAt(reference, "name")))?.object;
  }

  #phase(volume: JsonObject, phase: string): void {
    if (textAt(volume, "status", "phase") === phase) return;
    amend(this.#volumes, textAt(volume, "metadata", "name"), (next) => {
      const lastPhaseTransitionTime = timestamp(this.#machine.clock);
      next["status"] = { ...objectAt(next, "status"), phase, lastPhaseTransitionTime };
    });
  }

  #settleClaim(key: string, claim: JsonObject | undefined): void {
    if (claim === undefined || !isPending(claim) || isGoing(claim)) return;
    const named = textAt(claim, "spec", "volumeName");
    const volume = named === "" ? this.#match(claim) : this.#volumes.get(named)?.object;
    if (volume !== undefined && isFor(volume, claim)) this.#bind(key, claim, volume);
    else if (named === "") this.#ask(key, claim);
  }

  /** The smallest volume that is enough, those meant for the claim first. */
  #match(claim: JsonObject): JsonObject | undefined {
    const fitting = this.#volumes
      .list()
      .map(({ object }) => object)
      .filter((volume) => !isGoing(volume) && isFor(volume, claim) && fits(volume, claim));
    const meant = fitting.filter((volume) => at(volume, "spec", "claimRef") !== undefined);
    if (meant.length === 0 && this.#waitsForNode(claim)) return undefined;
    return (meant.length > 0 ? meant : fitting).sort(bySize)[0];
  }

  #classOf(claim: JsonObject): JsonObject | undefined {
    const name = textAt(claim, "spec", "storageClassName");
    return this.#machine.store.collection("storage.k8s.io", "storageclasses").get(name)?.object;
  }

  #waitsForNode(claim: JsonObject): boolean {
    if (textAt(this.#classOf(claim), "volumeBindingMode") !== "WaitForFirstConsumer") return false;
    return textAt(objectAt(claim, "metadata", "annotations"), selectedNode) === "";
  }

  /** Asks the provisioner of the claim's class for a volume. */
  #ask(key: string, claim: JsonObject): void {
    const name = textAt(this.#classOf(claim), "provisioner");
    if (name === "" || name === "kubernetes.io/no-provisioner" || this.#waitsForNode(claim)) return;
    amend(this.#claims, key, (next) => annotate(next, { [oldProvisioner]: name, [provisioner]: name }));
  }

  #bind(key: string, claim: JsonObject, volume: JsonObject): void {
    const volumeName = textAt(volume, "metadata", "name");
    const isNamed = textAt(claim, "spec", "volumeName") !== "";
    const bound = amend(this.#volumes, volumeName, (next) => {
      const spec = objectAt(next, "spec");
      if (spec["claimRef"] === undefined) annotate(next, { [byController]: "yes" });
      if (textAt(spec, "claimRef", "uid") === "") spec["claimRef"] = referenceTo(claim);
    });
    if (bound !== undefined) this.#phase(bound, "Bound");
    amend(this.#claims, key, (next) => {
      annotate(next, { [bindCompleted]: "yes", ...(isNamed ? {} : { [byController]: "yes" }) });
      objectAt(next, "spec")["volumeName"] = volumeName;
      const { accessModes, capacity } = objectAt(volume, "spec");
      next["status"] = { ...objectAt(next, "status"), phase: "Bound", ...compact({ accessModes, capacity }) };
    });
  }
}

const isGoing = (object: JsonObject): boolean => textAt(object, "metadata", "deletionTimestamp") !== "";
const isPending = (claim: JsonObject | undefined): boolean => textAt(claim, "status", "phase") === "Pending";

const compact = (object: Record<string, Json | undefined>): JsonObject =>
  Object.fromEntries(Object.entries(object).flatMap(([key, value]) => (value === undefined ? [] : [[key, value]])));

function annotate(object: JsonObject, annotations: JsonObject): void {
  const meta = metaOf(object);
  meta["annotations"] = { ...objectAt(meta, "annotations"), ...annotations };
}

function referenceTo(claim: JsonObject): JsonObject {
  const { namespace, name, uid, resourceVersion } = objectAt(claim, "metadata");
  const kind = "PersistentVolumeClaim";
  return compact({ kind, namespace, name, uid, apiVersion: "v1", resourceVersion });
}

/** True when no other claim has the volume. */
function isFor(volume: JsonObject, claim: JsonObject): boolean {
  const reference = at(volume, "spec", "claimRef");
  if (!isObject(reference)) return true;
  const meta = objectAt(claim, "metadata");
  const uid = textAt(reference, "uid");
  return (
    textAt(reference, "namespace") === textAt(meta, "namespace") &&
    textAt(reference, "name") === textAt(meta, "name") &&
    (uid === "" || uid === textAt(meta, "uid"))
  );
}

function fits(volume: JsonObject, claim: JsonObject): boolean {
  const has = objectAt(volume, "spec");
  const wants = objectAt(claim, "spec");
  const size = parseQuantity(textAt(has, "capacity", "storage"));
  const asked = parseQuantity(textAt(wants, "resources", "requests", "storage"));
  const labels = objectAt(volume, "metadata", "labels");
  return (
    size !== undefined &&
    asked !== undefined &&
    compareQuantities(size, asked) >= 0 &&
    textAt(has, "storageClassName") === textAt(wants, "storageClassName") &&
    equalJson(has["volumeMode"], wants["volumeMode"]) &&
    textsAt(wants, "accessModes").every((mode) => textsAt(has, "accessModes").includes(mode)) &&
    Object.entries(objectAt(wants, "selector", "matchLabels")).every(([key, value]) => labels[key] === value)
  );
}

function bySize(a: JsonObject, b: JsonObject): number {
  const [x, y] = [a, b].map((each) => parseQuantity(textAt(each, "spec", "capacity", "storage")));
  return x === undefined || y === undefined ? 0 : compareQuantities(x, y);
}
