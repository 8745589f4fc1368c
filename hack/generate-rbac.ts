/**
 * Writes deploy/rbac/<program>.yaml: for each program a ServiceAccount and the roles that its components ask for,
 * no more. The output depends on nothing but the components, so that two runs agree.
 */
import { resolve } from "node:path";
import {
  ClusterRole,
  ClusterRoleBinding,
  Role,
  RoleBinding,
  type RoleRule,
  ServiceAccount,
} from "../pkg/apis/core/index.ts";
import { apiVersionOf, type Kind, type KubeObject } from "../pkg/apis/schema/index.ts";
import type { AnyComponent, PolicyRule } from "../pkg/runtime/lifecycle/index.ts";
import { writeFolder, yamlOf } from "./generate-crds.ts";
import { type DescribedProgram, programs } from "./programs.ts";

/** Where the manifests put a program; `kubectl apply -n` does not change it, an overlay does. */
const defaultNamespace = "csi-driver";

/** What must be there before the program runs: its ServiceAccount, and per scope a role with its binding. */
export function rbacObjects(
  program: string,
  components: readonly Pick<AnyComponent, "rbac">[],
  namespace: string = defaultNamespace,
): KubeObject[] {
  const rules = components.flatMap((each) => each.rbac);
  const everywhere = mergeRules(rules.filter(({ scope = "cluster" }) => scope === "cluster"));
  const own = mergeRules(rules.filter(({ scope }) => scope === "namespace"));
  const metadata = { name: program };
  const local = { name: program, namespace };
  const subjects = [{ kind: "ServiceAccount", name: program, namespace }] as const;
  const roleRef = (kind: string) => ({ apiGroup: "rbac.authorization.k8s.io", kind, name: program });
  return [
    make(ServiceAccount, { metadata: local }),
    ...(everywhere.length === 0
      ? []
      : [
          make(ClusterRole, { metadata, rules: everywhere }),
          make(ClusterRoleBinding, { metadata, subjects, roleRef: roleRef("ClusterRole") }),
        ]),
    ...(own.length === 0
      ? []
      : [
          make(Role, { metadata: local, rules: own }),
          make(RoleBinding, { metadata: local, subjects, roleRef: roleRef("Role") }),
        ]),
  ];
}

/** The same rights in few rules: verbs of the same resources come together, everything is sorted. */
export function mergeRules(rules: readonly PolicyRule[]): RoleRule[] {
  const merged = new Map<string, { rule: PolicyRule; verbs: Set<string> }>();
  for (const rule of rules.flatMap(oneResourceEach)) {
    const key = JSON.stringify([rule.apiGroups, rule.resources, rule.resourceNames?.toSorted() ?? []]);
    const found = merged.get(key) ?? { rule, verbs: new Set<string>() };
    for (const verb of rule.verbs) found.verbs.add(verb);
    merged.set(key, found);
  }
  const keys = [...merged.keys()].toSorted();
  return keys.flatMap((key) => {
    const found = merged.get(key);
    return found === undefined ? [] : [roleRule(found.rule, [...found.verbs].toSorted())];
  });
}

function oneResourceEach(rule: PolicyRule): PolicyRule[] {
  return rule.apiGroups.flatMap((group) =>
    rule.resources.map((resource) => ({ ...rule, apiGroups: [group], resources: [resource] })),
  );
}

function roleRule({ apiGroups, resources, resourceNames }: PolicyRule, verbs: string[]): RoleRule {
  return {
    apiGroups: [...apiGroups],
    resources: [...resources],
    verbs,
    ...(resourceNames === undefined ? {} : { resourceNames: resourceNames.toSorted() }),
  };
}

function make(kind: Kind, object: KubeObject & Record<string, unknown>): KubeObject {
  return { apiVersion: apiVersionOf(kind), kind: kind.kind, ...object };
}

/** File name to text of every program's manifest. */
export function rbacFiles(
  list: readonly Pick<DescribedProgram, "name" | "components">[] = programs,
): Map<string, string> {
  return new Map(
    list.map(({ name, components }) => [
      `${name}.yaml`,
      banner + rbacObjects(name, components).map(yamlOf).join("---\n"),
    ]),
  );
}

const banner = "# Written by hack/generate-rbac.ts from the components of the program; changes belong there.\n";

if (import.meta.main) {
  const files = rbacFiles();
  writeFolder(resolve(import.meta.dirname, "../deploy/rbac"), files);
  console.log(`deploy/rbac: ${files.size} programs`);
}
