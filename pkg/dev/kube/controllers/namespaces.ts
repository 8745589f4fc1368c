import type { Catalog } from "../registry/catalog.ts";
import type { Call, Machine } from "../registry/context.ts";
import { metaOf, timestamp } from "../registry/context.ts";
import type { Deletes } from "../registry/deletes.ts";
import type { Target } from "../registry/writes.ts";
import { type JsonObject, objectAt, textAt, textsAt } from "../wire/json.ts";
import { ApiFailure, forbidden, notFound } from "../wire/status.ts";
import { amend } from "./amend.ts";
import type { News, ResourceChange } from "./loop.ts";

const namespaces = { group: "", resource: "namespaces" };

/** Refuses new objects in namespaces that are missing or going. Throws 404 or 403. */
export function namespaceGuard(machine: Machine): (target: Target, name: string) => void {
  return ({ resource, namespace }, name) => {
    if (!resource.namespaced) return;
    const found = machine.store.collection("", "namespaces").get(namespace)?.object;
    if (found === undefined) throw notFound(namespaces, namespace);
    if (textAt(found, "status", "phase") !== "Terminating") return;
    const why = `unable to create new content in namespace ${namespace} because it is being terminated`;
    const failure = forbidden(resource, name, why);
    throw new ApiFailure(failure.code, failure.reason, failure.message, {
      ...failure.details,
      causes: [
        {
          reason: "NamespaceTerminating",
          message: `namespace ${namespace} is being terminated`,
          field: "metadata.namespace",
        },
      ],
    });
  };
}

/** The namespace that a change is about. */
function namespaceOf({ group, resource, change }: ResourceChange): string {
  if (group === "" && resource === "namespaces") return change.key;
  const at = change.key.indexOf("/");
  return at < 0 ? "" : change.key.slice(0, at);
}

/** Namespaces that can not be deleted. */
export const immortal: ReadonlySet<string> = new Set(["default", "kube-system", "kube-public"]);

/** What the controller of namespaces works with. */
export interface NamespaceControllerDeps {
  readonly machine: Machine;
  readonly catalog: Catalog;
  readonly deletes: Deletes;
  readonly call: Call;
  /** How long the content stays untouched after its namespace began to go. */
  readonly graceMs: number;
}

/** Empties namespaces that are being deleted, then lets them go. */
export class NamespaceController {
  readonly #machine: Machine;
  readonly #catalog: Catalog;
  readonly #deletes: Deletes;
  readonly #call: Call;
  readonly #graceMs: number;
  /** By UID, how far the patience with a terminating namespace is. */
  readonly #patience = new Map<string, "waiting" | "over">();

  constructor(deps: NamespaceControllerDeps) {
    this.#machine = deps.machine;
    this.#catalog = deps.catalog;
    this.#deletes = deps.deletes;
    this.#call = deps.call;
    this.#graceMs = deps.graceMs;
  }

  step({ changes, later }: News): void {
    const byName = new Map(changes.map((change) => [namespaceOf(change), change]));
    for (const [name, change] of byName) {
      const object = this.#machine.store.collection("", "namespaces").get(name)?.object;
      if (object === undefined || textAt(object, "metadata", "deletionTimestamp") === "") continue;
      const uid = textAt(object, "metadata", "uid");
      const patience = this.#patience.get(uid);
      if (patience === "over") this.#terminate(name, object);
      if (patience !== undefined) continue;
      this.#patience.set(uid, "waiting");
      later(this.#graceMs, () => {
        this.#patience.set(uid, "over");
        return change;
      });
    }
  }

  #terminate(name: string, namespace: JsonObject): void {
    if (textAt(namespace, "status", "phase") !== "Terminating") {
      this.#put(name, (next) => {
        next["status"] = { ...objectAt(next, "status"), phase: "Terminating" };
      });
      return;
    }
    const keeps = this.#machine.faults["namespace-keeps-content"] === true;
    if (!keeps && this.#empty(name)) return;
    if (!textsAt(namespace, "spec", "finalizers").includes("kubernetes")) return;
    const left = keeps ? [] : this.#remaining(name);
    if (left.length > 0) this.#report(namespace, left);
    else this.#finish(name, namespace);
  }

  /** Deletes whatever is not yet being deleted; true when there was something. */
  #empty(name: string): boolean {
    const before = this.#machine.store.revisions.current;
    for (const resource of this.#stored()) {
      for (const { object } of this.#machine.store
        .collection(resource.storedIn.group, resource.storedIn.resource)
        .list(`${name}/`)) {
        if (textAt(object, "metadata", "deletionTimestamp") !== "") continue;
        const target: Target = { resource, strategy: resource.strategy, namespace: name };
        const options = {
          dryRun: false,
          gracePeriodSeconds: undefined,
          propagationPolicy: "Background",
          orphanDependents: undefined,
          preconditions: {},
        };
        this.#deletes.delete(target, textAt(object, "metadata", "name"), options, this.#call);
      }
    }
    return this.#machine.store.revisions.current !== before;
  }

  #stored() {
    const seen = new Set<string>();
    return this.#catalog.all().filter((resource) => {
      const key = `${resource.storedIn.group}/${resource.storedIn.resource}`;
      const first = resource.namespaced && !seen.has(key);
      seen.add(key);
      return first;
    });
  }

  #remaining(name: string): { readonly resource: string; readonly finalizers: readonly string[] }[] {
    return this.#stored().flatMap((resource) =>
      this.#machine.store
        .collection(resource.storedIn.group, resource.storedIn.resource)
        .list(`${name}/`)
        .map(({ object }) => ({
          resource: resource.group === "" ? `${resource.resource}.` : `${resource.resource}.${resource.group}`,
          finalizers: textsAt(object, "metadata", "finalizers"),
        })),
    );
  }

  #report(
    namespace: JsonObject,
    left: readonly { readonly resource: string; readonly finalizers: readonly string[] }[],
  ): void {
    const conditions = terminationConditions(left, timestamp(this.#machine.clock));
    const known = JSON.stringify(namespace["status"] ?? {});
    const messages = conditions.map((each) => textAt(each, "message"));
    if (messages.every((message) => known.includes(JSON.stringify(message)))) return;
    this.#put(textAt(namespace, "metadata", "name"), (next) => {
      next["status"] = { phase: "Terminating", conditions };
    });
  }

  #finish(name: string, namespace: JsonObject): void {
    const own = textsAt(namespace, "spec", "finalizers").filter((each) => each !== "kubernetes");
    if (own.length > 0 || textsAt(namespace, "metadata", "finalizers").length > 0) {
      this.#put(name, (next) => {
        next["spec"] = own.length > 0 ? { finalizers: own } : {};
      });
      return;
    }
    this.#machine.store.collection("", "namespaces").remove(name);
    this.#patience.delete(textAt(namespace, "metadata", "uid"));
  }

  #put(name: string, change: (next: JsonObject) => void): void {
    amend(this.#machine.store.collection("", "namespaces"), name, change);
  }
}

function terminationConditions(
  left: readonly { readonly resource: string; readonly finalizers: readonly string[] }[],
  now: string,
): JsonObject[] {
  const count = (list: readonly string[]): [string, number][] =>
    [...new Set(list)].sort().map((each) => [each, list.filter((other) => other === each).length]);
  const resources = count(left.map((each) => each.resource)).map(([each, n]) => `${each} has ${n} resource instances`);
  const finalizers = count(left.flatMap((each) => each.finalizers)).map(
    ([each, n]) => `${each} in ${n} resource instances`,
  );
  const condition = (type: string, status: string, reason: string, message: string): JsonObject => ({
    type,
    status,
    lastTransitionTime: now,
    reason,
    message,
  });
  return [
    condition(
      "NamespaceDeletionDiscoveryFailure",
      "False",
      "ResourcesDiscovered",
      "All resources successfully discovered",
    ),
    condition(
      "NamespaceDeletionGroupVersionParsingFailure",
      "False",
      "ParsedGroupVersions",
      "All legacy kube types successfully parsed",
    ),
    condition(
      "NamespaceDeletionContentFailure",
      "False",
      "ContentDeleted",
      "All content successfully deleted, may be waiting on finalization",
    ),
    condition(
      "NamespaceContentRemaining",
      "True",
      "SomeResourcesRemain",
      `Some resources are remaining: ${resources.join(", ")}`,
    ),
    ...(finalizers.length === 0
      ? []
      : [
          condition(
            "NamespaceFinalizersRemaining",
            "True",
            "SomeFinalizersRemain",
            `Some content in the namespace has finalizers remaining: ${finalizers.join(", ")}`,
          ),
        ]),
  ];
}

/** Marks a namespace that is being deleted; its content goes afterwards. */
export function terminateNamespace(object: JsonObject, now: string): void {
  const meta = metaOf(object);
  meta["deletionTimestamp"] ??= now;
  object["status"] = { ...objectAt(object, "status"), phase: "Terminating" };
}

/** The refusal to delete a namespace that must stay. */
export const mustLive = (name: string): ApiFailure => forbidden(namespaces, name, "this namespace may not be deleted");
