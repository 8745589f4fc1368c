import { ClusterRole, ClusterRoleBinding, ServiceAccount } from "../../pkg/apis/core/index.ts";
import type { Kind, KubeObject } from "../../pkg/apis/schema/index.ts";
import { requestToken } from "../../pkg/kube/authn/index.ts";
import { isAlreadyExists, type KubeClient } from "../../pkg/kube/client/index.ts";
import type { PolicyRule } from "../../pkg/runtime/lifecycle/index.ts";
import { accessOf } from "./access.ts";

/** A ServiceAccount to act as. */
export interface Identity {
  readonly namespace: string;
  readonly name: string;
}

/** Makes a ServiceAccount that may do this and nothing more, everywhere in the cluster. */
export async function makeIdentity(admin: KubeClient, who: Identity, rules: readonly PolicyRule[]): Promise<Identity> {
  const { namespace, name } = who;
  const roleName = `${namespace}-${name}`;
  const plain = rules.map(({ scope: _scope, ...rule }) => ({
    ...rule,
    apiGroups: [...rule.apiGroups],
    resources: [...rule.resources],
    verbs: [...rule.verbs],
    resourceNames: [...(rule.resourceNames ?? [])],
  }));
  await ensure(admin, ServiceAccount, { metadata: { namespace, name } });
  await ensure(admin, ClusterRole, { metadata: { name: roleName }, rules: plain });
  await ensure(admin, ClusterRoleBinding, {
    metadata: { name: roleName },
    subjects: [{ kind: "ServiceAccount", namespace, name }],
    roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: roleName },
  });
  return who;
}

/** The administrator's kubeconfig with a token of this ServiceAccount in place of the administrator's. */
export async function kubeconfigOf(admin: KubeClient, { namespace, name }: Identity, adminText: string) {
  const { url, ca } = accessOf(adminText);
  const { token } = await requestToken(admin, { namespace, serviceAccount: name, audiences: [] });
  const named = <T>(key: string, value: T) => ({ name: "it", [key]: value });
  return JSON.stringify({
    apiVersion: "v1",
    kind: "Config",
    clusters: [named("cluster", { server: url, "certificate-authority-data": Buffer.from(ca).toString("base64") })],
    users: [named("user", { token })],
    contexts: [named("context", { cluster: "it", user: "it" })],
    "current-context": "it",
  });
}

/** Creates the object unless it is there. */
export async function ensure<T extends KubeObject>(admin: KubeClient, kind: Kind<T>, object: T): Promise<void> {
  await admin.create(kind, object).catch((thrown: unknown) => {
    if (!isAlreadyExists(thrown)) throw thrown;
  });
}
