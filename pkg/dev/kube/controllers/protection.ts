import { type Machine, metaOf } from "../registry/context.ts";
import { type JsonObject, listAt, textAt, textsAt } from "../wire/json.ts";
import { amend } from "./amend.ts";
import type { News } from "./loop.ts";

const guards = [
  { plural: "persistentvolumeclaims", finalizer: "kubernetes.io/pvc-protection" },
  { plural: "persistentvolumes", finalizer: "kubernetes.io/pv-protection" },
] as const;

/** Lets deleted claims and volumes go once nothing uses them. */
export class ProtectionController {
  readonly #machine: Machine;

  constructor(machine: Machine) {
    this.#machine = machine;
  }

  step(news: News): void {
    if (!["persistentvolumeclaims", "persistentvolumes", "pods"].some((each) => news.touched("", each))) return;
    for (const { plural, finalizer } of guards) {
      for (const { object, key } of this.#machine.store.collection("", plural).list()) {
        const going = textAt(object, "metadata", "deletionTimestamp") !== "";
        if (going && textsAt(object, "metadata", "finalizers").includes(finalizer) && !this.#used(plural, object)) {
          this.#release(plural, key, object, finalizer);
        }
      }
    }
  }

  #used(plural: string, object: JsonObject): boolean {
    if (plural === "persistentvolumes") return textAt(object, "status", "phase") === "Bound";
    const name = textAt(object, "metadata", "name");
    return this.#machine.store
      .collection("", "pods")
      .list(`${textAt(object, "metadata", "namespace")}/`)
      .some(
        ({ object: pod }) =>
          textAt(pod, "spec", "nodeName") !== "" &&
          !["Succeeded", "Failed"].includes(textAt(pod, "status", "phase")) &&
          listAt(pod, "spec", "volumes").some(
            (volume) => textAt(volume, "persistentVolumeClaim", "claimName") === name,
          ),
      );
  }

  #release(plural: string, key: string, object: JsonObject, finalizer: string): void {
    const collection = this.#machine.store.collection("", plural);
    const rest = textsAt(object, "metadata", "finalizers").filter((each) => each !== finalizer);
    if (rest.length === 0) collection.remove(key);
    else {
      amend(collection, key, (next) => {
        metaOf(next)["finalizers"] = rest;
      });
    }
  }
}
