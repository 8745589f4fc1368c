import { setTimeout as sleep } from "node:timers/promises";
import { matchesFields } from "../selectors/fields.ts";
import { matchesLabels } from "../selectors/labels.ts";
import type { Collection } from "../storage/collection.ts";
import { keyOf } from "../storage/store.ts";
import type { JsonObject } from "../wire/json.ts";
import { textAt } from "../wire/json.ts";
import { ApiFailure, badRequest, expired, notFound, tooLargeVersion } from "../wire/status.ts";
import type { Machine } from "./context.ts";
import { type ContinueToken, decodeContinue, encodeContinue } from "./continue-token.ts";
import type { ListOptions } from "./options.ts";
import type { Resource } from "./resource.ts";
import { labelsOf } from "./writes.ts";

/** One page of a list. */
export interface Page {
  readonly items: readonly JsonObject[];
  readonly resourceVersion: string;
  readonly continue: string | undefined;
  readonly remaining: number | undefined;
}

const inconsistent =
  "The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter, or use the continue token in this response to retrieve the remainder of the results. Continuing with the provided token results in an inconsistent list - objects that were created, modified, or deleted between the time the first chunk was returned and now may show up in the list.";

/** Get and list, with the meaning of resourceVersion, limit and continue. */
export class Reads {
  readonly #machine: Machine;

  constructor(machine: Machine) {
    this.#machine = machine;
  }

  collection({ storedIn }: Resource): Collection {
    return this.#machine.store.collection(storedIn.group, storedIn.resource);
  }

  /** The stored object; throws NotFound. */
  get(resource: Resource, namespace: string, name: string): JsonObject {
    const entry = this.collection(resource).get(keyOf(namespace, name));
    if (entry === undefined) throw notFound(resource, name);
    return entry.object;
  }

  /** Waits, at most three seconds, until the server has seen `version`. Throws 504. */
  async waitFor(version: string): Promise<void> {
    const { revisions } = this.#machine.store;
    const wanted = Number(version);
    if (version === "" || wanted <= revisions.current) return;
    const given = new AbortController();
    void sleep(3000, undefined, { signal: given.signal }).then(
      () => given.abort(),
      () => undefined,
    );
    const seen = await revisions.reached(wanted, given.signal);
    given.abort();
    if (!seen) throw tooLargeVersion(BigInt(version), revisions.current);
  }

  async list(resource: Resource, namespace: string, options: ListOptions): Promise<Page> {
    checkVersion(options.resourceVersion, true);
    if (options.continue !== "") {
      if (options.resourceVersion !== "" && options.resourceVersion !== "0") {
        throw badRequest("specifying resource version is not allowed when using continue");
      }
      return this.#page(resource, namespace, options, decodeContinue(options.continue));
    }
    await this.waitFor(options.resourceVersion);
    return this.#page(resource, namespace, options, undefined);
  }

  #page(resource: Resource, namespace: string, options: ListOptions, token: ContinueToken | undefined): Page {
    const { current } = this.#machine.store.revisions;
    const exact = exactVersion(options);
    const revision = token === undefined ? (exact ?? current) : token.revision < 0 ? current : token.revision;
    const prefix = namespace === "" ? "" : `${namespace}/`;
    const all = this.collection(resource).listAt(revision, prefix);
    if (all === undefined) throw this.#expired(token);
    const rest = token === undefined ? all : all.filter((each) => keyOfObject(each) > token.after);
    const matching = rest.filter((each) => this.matches(resource, each, options));
    const limit = this.#machine.faults["ignore-limit"] ? 0 : options.limit;
    const cached = options.resourceVersion === "0" && options.match === "" && token === undefined;
    const items = limit > 0 && !cached ? matching.slice(0, limit) : matching;
    const last = items.at(-1);
    const more = items.length < matching.length && last !== undefined && !this.#machine.faults["forget-continue"];
    const plain = options.labels.length === 0 && options.fields.length === 0;
    return {
      items,
      resourceVersion: String(revision),
      continue: more ? encodeContinue({ revision, after: keyOfObject(last) }) : undefined,
      remaining: more && plain ? matching.length - items.length : undefined,
    };
  }

  #expired(token: ContinueToken | undefined): Error {
    if (token === undefined) return expired("The resourceVersion for the provided list is too old.");
    return expired(inconsistent, encodeContinue({ revision: -1, after: token.after }));
  }

  matches(resource: Resource, object: JsonObject, { labels, fields }: Pick<ListOptions, "labels" | "fields">): boolean {
    const { faults } = this.#machine;
    if (labels.length > 0 && !faults["ignore-label-selector"] && !matchesLabels(labels, labelsOf(object))) return false;
    if (fields.length === 0 || faults["ignore-field-selector"]) return true;
    return matchesFields(fields, (field) => fieldValue(resource, object, field));
  }
}

function fieldValue(resource: Resource, object: JsonObject, field: string): string {
  if (field === "metadata.name") return textAt(object, "metadata", "name");
  if (field === "metadata.namespace") return textAt(object, "metadata", "namespace");
  return resource.fields[field]?.(object) ?? "";
}

const keyOfObject = (object: JsonObject): string =>
  keyOf(textAt(object, "metadata", "namespace"), textAt(object, "metadata", "name"));

function exactVersion({ resourceVersion, match, limit }: ListOptions): number | undefined {
  if (resourceVersion === "" || resourceVersion === "0") return undefined;
  return match === "Exact" || (match === "" && limit > 0) ? Number(resourceVersion) : undefined;
}

/** Throws unless the text is a version: a 500 from get and watch, as the real server does, a 400 from list. */
export function checkVersion(version: string, list = false): void {
  if (/^\d*$/.test(version)) return;
  const shown = JSON.stringify(version);
  const message = `resourceVersion: Invalid value: ${shown}: strconv.ParseUint: parsing ${shown}: invalid syntax`;
  throw list ? badRequest(`invalid resource version: ${message}`) : new ApiFailure(500, "", message);
}

/** Refuses fields that the resource can not select by. */
export function checkFields(resource: Resource, { fields }: Pick<ListOptions, "fields">): void {
  for (const { field } of fields) {
    if (field === "metadata.name" || (field === "metadata.namespace" && resource.namespaced)) continue;
    if (field in resource.fields) continue;
    if (field === "metadata.namespace" && !resource.custom) continue;
    throw badRequest(resource.unknownField(field));
  }
}
