import type { AccessQuestion, Call, Machine, User } from "../registry/context.ts";
import { quote } from "../wire/go-text.ts";
import { equalJson, type Json, type JsonObject, listAt, textAt, textsAt } from "../wire/json.ts";
import { forbidden, notFound } from "../wire/status.ts";
import type { Rbac } from "./rbac.ts";

const group = "rbac.authorization.k8s.io";
type RoleResource = "roles" | "clusterroles" | "rolebindings" | "clusterrolebindings";

/** Nobody hands out rights that they do not hold. Throws 403 on roles and bindings that would. */
export class Escalation {
  readonly #rbac: Rbac;
  readonly #machine: Machine;

  constructor(rbac: Rbac, machine: Machine) {
    this.#rbac = rbac;
    this.#machine = machine;
  }

  check(resource: RoleResource, next: JsonObject, old: JsonObject | undefined, call: Call): void {
    if (call.user.groups.includes("system:masters") || this.#machine.faults["allow-escalation"]) return;
    if (old !== undefined && sameGrant(next, old)) return;
    if (resource === "roles" || resource === "clusterroles") this.#role(resource, next, call.user);
    else this.#binding(resource, next, call.user);
  }

  #role(resource: "roles" | "clusterroles", next: JsonObject, user: User): void {
    const name = textAt(next, "metadata", "name");
    const namespace = textAt(next, "metadata", "namespace");
    if (this.#may(user, "escalate", resource, namespace, name)) return;
    this.#confirm(resource, name, user, namespace, listAt(next, "rules"));
  }

  #binding(resource: "rolebindings" | "clusterrolebindings", next: JsonObject, user: User): void {
    const namespace = textAt(next, "metadata", "namespace");
    const kind = textAt(next, "roleRef", "kind");
    const role = textAt(next, "roleRef", "name");
    const plural = kind === "Role" ? "roles" : "clusterroles";
    if (this.#may(user, "bind", plural, namespace, role)) return;
    const rules = this.#rbac.rulesOf(kind, role, namespace);
    if (rules === undefined) throw notFound({ group, resource: plural }, role);
    this.#confirm(resource, textAt(next, "metadata", "name"), user, namespace, rules);
  }

  #may(user: User, verb: string, resource: string, namespace: string, name: string): boolean {
    const question: AccessQuestion = { user, verb, group, version: "*", resource, subresource: "", namespace, name };
    return this.#rbac.ask(question).allowed;
  }

  #confirm(resource: RoleResource, name: string, user: User, namespace: string, wanted: readonly Json[]): void {
    const { rules, problems } = this.#rbac.grants(user, namespace);
    const missing = uncovered(
      rules.map((each) => each.rule),
      wanted,
    );
    if (missing.length === 0) return;
    const shown = [...new Set(compact(missing).map(describeRule))].sort();
    const groups = user.groups.map(quote).join(" ");
    const unresolved = problems.length === 0 ? "" : `; resolution errors: [${problems.join(", ")}]`;
    const why = `user ${quote(user.name)} (groups=[${groups}]) is attempting to grant RBAC permissions not currently held:\n${shown.join("\n")}${unresolved}`;
    throw forbidden({ group, resource }, name, why);
  }
}

const sameGrant = (next: JsonObject, old: JsonObject): boolean =>
  ["rules", "aggregationRule", "roleRef", "subjects"].every((field) => equalJson(next[field], old[field]));

interface Atom {
  readonly verbs: readonly string[];
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly resourceNames: readonly string[];
  readonly nonResourceURLs: readonly string[];
}

/** Splits a rule into rules of one verb, one group, one resource, one name. */
function atoms(rule: Json): Atom[] {
  const verbs = textsAt(rule, "verbs");
  const names = textsAt(rule, "resourceNames");
  const fromResources = textsAt(rule, "apiGroups").flatMap((apiGroup) =>
    textsAt(rule, "resources").flatMap((resource) =>
      verbs.flatMap((verb) =>
        (names.length === 0 ? [undefined] : names).map((name) => ({
          verbs: [verb],
          apiGroups: [apiGroup],
          resources: [resource],
          resourceNames: name === undefined ? [] : [name],
          nonResourceURLs: [],
        })),
      ),
    ),
  );
  const fromUrls = textsAt(rule, "nonResourceURLs").flatMap((url) =>
    verbs.map((verb) => ({ verbs: [verb], apiGroups: [], resources: [], resourceNames: [], nonResourceURLs: [url] })),
  );
  return [...fromResources, ...fromUrls];
}

/** The parts of `wanted` that `owned` does not cover. */
export function uncovered(owned: readonly Json[], wanted: readonly Json[]): Atom[] {
  const mine = owned.flatMap(atoms);
  return wanted.flatMap(atoms).filter((part) => !mine.some((rule) => covers(rule, part)));
}

const holds = (owner: readonly string[], part: readonly string[]): boolean =>
  owner.includes("*") || part.every((each) => owner.includes(each));

function covers(owner: Atom, part: Atom): boolean {
  const resources =
    owner.resources.includes("*") || part.resources.every((each) => coversResource(owner.resources, each));
  const names =
    owner.resourceNames.length === 0 ||
    (part.resourceNames.length > 0 && part.resourceNames.every((each) => owner.resourceNames.includes(each)));
  const urls = part.nonResourceURLs.every((url) =>
    owner.nonResourceURLs.some((each) => each === url || (each.endsWith("*") && url.startsWith(each.slice(0, -1)))),
  );
  return holds(owner.verbs, part.verbs) && holds(owner.apiGroups, part.apiGroups) && resources && names && urls;
}

function coversResource(owner: readonly string[], resource: string): boolean {
  if (owner.includes(resource)) return true;
  const slash = resource.indexOf("/");
  return slash >= 0 && owner.includes(`*${resource.slice(slash)}`);
}

/** Joins atoms that differ only in their verb. */
function compact(list: readonly Atom[]): Atom[] {
  const joined = new Map<string, Atom>();
  for (const atom of list) {
    const { verbs, ...rest } = atom;
    const key = JSON.stringify(rest);
    const known = joined.get(key);
    joined.set(key, known ? { ...known, verbs: [...known.verbs, ...verbs] } : atom);
  }
  return [...joined.values()];
}

function describeRule({ apiGroups, resources, nonResourceURLs, resourceNames, verbs }: Atom): string {
  const part = (label: string, list: readonly string[]): string[] =>
    list.length === 0 ? [] : [`${label}:[${list.map(quote).join(" ")}]`];
  const parts = [
    ...part("APIGroups", apiGroups),
    ...part("Resources", resources),
    ...part("NonResourceURLs", nonResourceURLs),
    ...part("ResourceNames", resourceNames),
    ...part("Verbs", verbs),
  ];
  return `{${parts.join(", ")}}`;
}
