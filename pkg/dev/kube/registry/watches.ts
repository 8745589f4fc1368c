import type { Change } from "../storage/collection.ts";
import { copy, type JsonObject } from "../wire/json.ts";
import { type ApiFailure, expired } from "../wire/status.ts";
import { type Machine, metaOf } from "./context.ts";
import type { ListOptions } from "./options.ts";
import type { Reads } from "./reads.ts";
import type { Resource } from "./resource.ts";

/** What a watch tells; `object` is in stored form, `status` is set for errors. */
export type WatchEvent =
  | { readonly type: "ADDED" | "MODIFIED" | "DELETED"; readonly object: JsonObject }
  | { readonly type: "BOOKMARK"; readonly resourceVersion: string; readonly initialEnd: boolean }
  | { readonly type: "ERROR"; readonly failure: ApiFailure };

/** A running watch. */
export interface Watch {
  /** Sends a bookmark with the newest version. */
  bookmark(): void;
  stop(): void;
}

/** Turns the changes of a collection into watch events. */
export class Watches {
  readonly #machine: Machine;
  readonly #reads: Reads;

  constructor(machine: Machine, reads: Reads) {
    this.#machine = machine;
    this.#reads = reads;
  }

  /** Starts a watch; what is already there to tell is told before this returns. */
  start(resource: Resource, namespace: string, options: ListOptions, send: (event: WatchEvent) => void): Watch {
    const collection = this.#reads.collection(resource);
    const prefix = namespace === "" ? "" : `${namespace}/`;
    const matches = (object: JsonObject | undefined): object is JsonObject =>
      object !== undefined && this.#reads.matches(resource, object, options);
    const tell = (change: Change): void => {
      if (!change.key.startsWith(prefix)) return;
      const event = eventOf(change, matches);
      if (event) send(event);
    };
    const floor = this.#begin(resource, namespace, options, send, tell, matches);
    if (floor === undefined) return { bookmark: () => undefined, stop: () => undefined };
    const stop = collection.listen((change) => {
      if (change.revision > floor) tell(change);
    });
    const bookmark = (): void => {
      if (this.#machine.faults["no-bookmarks"]) return;
      const resourceVersion = String(Math.max(this.#machine.store.revisions.current, floor));
      send({ type: "BOOKMARK", resourceVersion, initialEnd: false });
    };
    return { bookmark, stop };
  }

  /** Tells the past or the present, as asked; gives the version after which events are still to come. */
  #begin(
    resource: Resource,
    namespace: string,
    options: ListOptions,
    send: (event: WatchEvent) => void,
    tell: (change: Change) => void,
    matches: (object: JsonObject | undefined) => object is JsonObject,
  ): number | undefined {
    const collection = this.#reads.collection(resource);
    const { current } = this.#machine.store.revisions;
    const initial = options.sendInitialEvents ?? (options.resourceVersion === "" || options.resourceVersion === "0");
    if (initial) {
      for (const { object } of collection.list(namespace === "" ? "" : `${namespace}/`)) {
        if (matches(object)) send({ type: "ADDED", object });
      }
      if (options.sendInitialEvents && options.allowBookmarks && !this.#machine.faults["no-bookmarks"]) {
        send({ type: "BOOKMARK", resourceVersion: String(current), initialEnd: true });
      }
      return current;
    }
    if (this.#machine.faults["watch-from-now"] || options.resourceVersion === "" || options.resourceVersion === "0")
      return current;
    const from = Number(options.resourceVersion);
    const changes = collection.since(from);
    if (changes === undefined && !this.#machine.faults["never-expire"]) {
      send({
        type: "ERROR",
        failure: expired(`too old resource version: ${options.resourceVersion} (${collection.oldest})`),
      });
      return undefined;
    }
    for (const change of changes ?? []) tell(change);
    return Math.max(from, current);
  }
}

function eventOf(
  { object, previous, revision }: Change,
  matches: (object: JsonObject | undefined) => object is JsonObject,
): WatchEvent | undefined {
  if (matches(object)) return { type: matches(previous) ? "MODIFIED" : "ADDED", object };
  if (!matches(previous)) return undefined;
  const last = copy(previous);
  metaOf(last)["resourceVersion"] = String(revision);
  return { type: "DELETED", object: last };
}
