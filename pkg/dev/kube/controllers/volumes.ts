import { type Machine, metaOf, timestamp } from "../registry/context.ts";
import { at, copy, objectAt, textAt } from "../wire/json.ts";
import type { News } from "./loop.ts";

/** Makes volumes that no claim is named in available. Binding is not done here. */
export class VolumeController {
  readonly #machine: Machine;

  constructor(machine: Machine) {
    this.#machine = machine;
  }

  step(news: News): void {
    if (!news.touched("", "persistentvolumes")) return;
    const collection = this.#machine.store.collection("", "persistentvolumes");
    for (const { key, object } of collection.list()) {
      const free =
        at(object, "spec", "claimRef") === undefined && textAt(object, "metadata", "deletionTimestamp") === "";
      if (!free || textAt(object, "status", "phase") !== "Pending") continue;
      collection.put(key, (revision) => {
        const next = copy(object);
        const lastPhaseTransitionTime = timestamp(this.#machine.clock);
        next["status"] = { ...objectAt(next, "status"), phase: "Available", lastPhaseTransitionTime };
        metaOf(next)["resourceVersion"] = String(revision);
        return next;
      });
    }
  }
}
