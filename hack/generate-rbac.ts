/**
 * Writes deploy/rbac/<program>.yaml: for each program a ServiceAccount and the roles that its components ask for,
 * no more; and deploy/rbac/<program>-<component>.yaml: what that ServiceAccount needs besides where the optional
 * component is switched on. The output depends on nothing but the components, so that two runs agree.
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
  return [
    make(ServiceAccount, { metadata: { name: program, namespace } }),
    ...roles(program, rules, { name: program, namespace }),
  ];
}

/** Per scope a role of this name that holds the rules, and its binding to the account. */
function roles(name: string, rules: readonly PolicyRule[], account: { name: string; namespace: string }): KubeObject[] {
  const everywhere = mergeRules(rules.filter(({ scope = "cluster" }) => scope === "cluster"));
  const own = mergeRules(rules.filter(({ scope }) => scope === "namespace"));
  const metadata = { name };
  const local = { name, namespace: account.namespace };
  const subjects = [{ kind: "ServiceAccount", ...account }] as const;
  const roleRef = (kind: string) => ({ apiGroup: "rbac.authorization.k8s.io", kind, name });
  return [
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

/** File name to text of every program's manifests. */
export function rbacFiles(
  list: readonly Pick<DescribedProgram, "name" | "components">[] = programs,
): Map<string, string> {
  const text = (objects: readonly KubeObject[]): string => banner + objects.map(yamlOf).join("---\n");
  return new Map(
    list.flatMap(({ name: program, components }): [string, string][] => {
      const account = { name: program, namespace: defaultNamespace };
      const always = components.filter((each) => !each.optional);
      return [
        [`${program}.yaml`, text(rbacObjects(program, always))],
        ...components
          .filter((each) => each.optional)
          .map(({ name, rbac }): [string, string] => {
            const own = `${program}-${name}`;
            return [`${own}.yaml`, text(roles(own, rbac, account))];
          }),
      ];
    }),
  );
}

const banner = "# Written by hack/generate-rbac.ts from the components of the program; changes belong there.\n";

if (import.meta.main) {
  const files = rbacFiles();
  writeFolder(resolve(import.meta.dirname, "../deploy/rbac"), files);
  console.log(`deploy/rbac: ${files.size} manifests`);
}
