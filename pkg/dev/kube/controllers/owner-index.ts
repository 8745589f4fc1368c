import type { JsonObject } from "../wire/json.ts";
import { listAt, textAt } from "../wire/json.ts";
import type { GroupResource } from "../wire/status.ts";
import type { ResourceChange } from "./loop.ts";

/** Where an object lies. */
export interface Place extends GroupResource {
  readonly key: string;
}

/** Knows for each owner's uid which objects name it. */
export class OwnerIndex {
  readonly #byOwner = new Map<string, Map<string, Place>>();

  note({ group, resource, change }: ResourceChange): void {
    const place: Place = { group, resource, key: change.key };
    const name = `${group}/${resource}/${change.key}`;
    for (const uid of owners(change.previous)) this.#byOwner.get(uid)?.delete(name);
    for (const uid of owners(change.object)) {
      const places = this.#byOwner.get(uid) ?? new Map<string, Place>();
      this.#byOwner.set(uid, places.set(name, place));
    }
  }

  dependents(uid: string): Place[] {
    return [...(this.#byOwner.get(uid)?.values() ?? [])];
  }
}

const owners = (object: JsonObject | undefined): string[] =>
  listAt(object, "metadata", "ownerReferences").map((each) => textAt(each, "uid"));
