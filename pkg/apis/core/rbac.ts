import { builtIn, type KubeObject } from "../schema/index.ts";

/** rbac.authorization.k8s.io/v1 PolicyRule, as it stands in a role. */
export interface RoleRule {
  apiGroups?: string[];
  resources?: string[];
  verbs: string[];
  resourceNames?: string[];
  nonResourceURLs?: string[];
}

/** Who is bound to a role. */
export interface Subject {
  kind: "ServiceAccount" | "User" | "Group";
  name: string;
  namespace?: string;
  apiGroup?: string;
}

/** The role of a binding; it can not be changed afterwards. */
export interface RoleRef {
  apiGroup: string;
  kind: "Role" | "ClusterRole";
  name: string;
}

/** rbac.authorization.k8s.io/v1 Role. */
export interface Role extends KubeObject {
  rules?: RoleRule[];
}

/** rbac.authorization.k8s.io/v1 RoleBinding. */
export interface RoleBinding extends KubeObject {
  subjects?: Subject[];
  roleRef: RoleRef;
}

/** rbac.authorization.k8s.io/v1 ClusterRole. */
export interface ClusterRole extends KubeObject {
  rules?: RoleRule[];
  aggregationRule?: { clusterRoleSelectors?: { matchLabels?: Record<string, string> }[] };
}

/** rbac.authorization.k8s.io/v1 ClusterRoleBinding. */
export interface ClusterRoleBinding extends KubeObject {
  subjects?: Subject[];
  roleRef: RoleRef;
}

const rbac = { group: "rbac.authorization.k8s.io", version: "v1" } as const;

export const Role = builtIn<Role>({ ...rbac, kind: "Role", plural: "roles" });
export const RoleBinding = builtIn<RoleBinding>({ ...rbac, kind: "RoleBinding", plural: "rolebindings" });
export const ClusterRole = builtIn<ClusterRole>({
  ...rbac,
  kind: "ClusterRole",
  plural: "clusterroles",
  namespaced: false,
});
export const ClusterRoleBinding = builtIn<ClusterRoleBinding>({
  ...rbac,
  kind: "ClusterRoleBinding",
  plural: "clusterrolebindings",
  namespaced: false,
});
