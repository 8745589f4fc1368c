import type { AccessAnswer, AccessQuestion, Machine, User } from "../registry/context.ts";
import { keyOf } from "../storage/store.ts";
import { aggregate, quote } from "../wire/go-text.ts";
import { type Json, type JsonObject, listAt, textAt, textsAt } from "../wire/json.ts";

const group = "rbac.authorization.k8s.io";

/** A rule that applies to a user, and the binding that says so. */
export interface GrantedRule {
  readonly rule: Json;
  readonly source: string;
}

/** What the bindings say about a user in a namespace. */
export interface Grants {
  readonly rules: readonly GrantedRule[];
  /** Bindings that point to a role which is not there. */
  readonly problems: readonly string[];
}

/** Role based access control over the stored roles and bindings. */
export class Rbac {
  readonly #machine: Machine;

  constructor(machine: Machine) {
    this.#machine = machine;
  }

  /** May this user do that? The reason names the binding, or says what could not be resolved. */
  ask(question: AccessQuestion): AccessAnswer {
    if (question.user.groups.includes("system:masters")) return { allowed: true, reason: "" };
    if (this.#machine.faults["allow-all"]) return { allowed: true, reason: "" };
    const { rules, problems } = this.grants(question.user, question.namespace);
    const granting = rules.find(({ rule }) => allows(rule, question));
    if (granting) return { allowed: true, reason: `RBAC: allowed by ${granting.source}` };
    return { allowed: false, reason: problems.length === 0 ? "" : `RBAC: ${aggregate(problems)}` };
  }

  /** All rules for a user: those of cluster bindings, and with a namespace also those of its bindings. */
  grants(user: User, namespace: string): Grants {
    const rules: GrantedRule[] = [];
    const problems: string[] = [];
    const visit = (binding: JsonObject, kind: string, within: string): void => {
      const subject = listAt(binding, "subjects").find((each) => applies(each, user, within));
      if (subject === undefined) return;
      const role = this.#rules(binding, within);
      if (typeof role === "string") problems.push(role);
      else for (const rule of role) rules.push({ rule, source: describe(binding, kind, subject, within) });
    };
    for (const binding of this.#list("clusterrolebindings", "")) visit(binding, "ClusterRoleBinding", "");
    if (namespace !== "")
      for (const binding of this.#list("rolebindings", namespace)) visit(binding, "RoleBinding", namespace);
    return { rules, problems };
  }

  /** The rules of a role reference, or the complaint that there is no such role. */
  rulesOf(kind: string, name: string, namespace: string): readonly Json[] | undefined {
    const plural = kind === "Role" ? "roles" : "clusterroles";
    const key = kind === "Role" ? keyOf(namespace, name) : name;
    const role = this.#machine.store.collection(group, plural).get(key)?.object;
    return role && listAt(role, "rules");
  }

  #rules(binding: JsonObject, namespace: string): readonly Json[] | string {
    const kind = textAt(binding, "roleRef", "kind");
    const name = textAt(binding, "roleRef", "name");
    const found = this.rulesOf(kind, name, namespace);
    return found ?? `${kind.toLowerCase()}.${group} ${quote(name)} not found`;
  }

  #list(plural: string, namespace: string): JsonObject[] {
    const prefix = namespace === "" ? "" : `${namespace}/`;
    return this.#machine.store
      .collection(group, plural)
      .list(prefix)
      .map((entry) => entry.object);
  }
}

function applies(subject: Json, user: User, namespace: string): boolean {
  const name = textAt(subject, "name");
  switch (textAt(subject, "kind")) {
    case "User":
      return user.name === name;
    case "Group":
      return user.groups.includes(name);
    case "ServiceAccount": {
      const home = textAt(subject, "namespace") || namespace;
      return home !== "" && user.name === `system:serviceaccount:${home}:${name}`;
    }
    default:
      return false;
  }
}

function describe(binding: JsonObject, kind: string, subject: Json, namespace: string): string {
  const name = textAt(binding, "metadata", "name");
  const shown = kind === "RoleBinding" ? `${name}/${namespace}` : name;
  const role = `${textAt(binding, "roleRef", "kind")} ${quote(textAt(binding, "roleRef", "name"))}`;
  const who = textAt(subject, "name");
  const subjectKind = textAt(subject, "kind");
  const subjectName = subjectKind === "ServiceAccount" ? `${who}/${textAt(subject, "namespace") || namespace}` : who;
  return `${kind} ${quote(shown)} of ${role} to ${subjectKind} ${quote(subjectName)}`;
}

/** True when one rule grants the request. */
export function allows(rule: Json, question: AccessQuestion): boolean {
  const has = (field: string, value: string): boolean => {
    const list = textsAt(rule, field);
    return list.includes("*") || list.includes(value);
  };
  if (!has("verbs", question.verb)) return false;
  if (question.path !== undefined)
    return textsAt(rule, "nonResourceURLs").some((pattern) => matchesPath(pattern, question.path ?? ""));
  const names = textsAt(rule, "resourceNames");
  return (
    has("apiGroups", question.group) &&
    matchesResource(textsAt(rule, "resources"), question.resource, question.subresource) &&
    (names.length === 0 || names.includes(question.name))
  );
}

function matchesPath(pattern: string, path: string): boolean {
  if (pattern === "*" || pattern === path) return true;
  return pattern.endsWith("*") && path.startsWith(pattern.replace(/\*+$/, ""));
}

function matchesResource(resources: readonly string[], resource: string, subresource: string): boolean {
  if (resources.includes("*")) return true;
  if (subresource === "") return resources.includes(resource);
  return resources.includes(`${resource}/${subresource}`) || resources.includes(`*/${subresource}`);
}
