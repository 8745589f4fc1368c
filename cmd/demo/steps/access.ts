import { join } from "node:path";
import {
  ClusterRole,
  ClusterRoleBinding,
  Namespace,
  Role,
  RoleBinding,
  type RoleRule,
  ServiceAccount,
} from "../../../pkg/apis/core/index.ts";
import { requestToken } from "../../../pkg/kube/authn/index.ts";
import { isAlreadyExists, isNotFound } from "../../../pkg/kube/client/index.ts";
import { Failure } from "../../../pkg/runtime/errors/index.ts";
import { systemClock } from "../../../pkg/runtime/timing/index.ts";
import { metadataServer } from "../../../pkg/snapshotmetadata/index.ts";
import type { Outcome } from "../screen/narrator.ts";
import { type Cluster, names, type World } from "../world.ts";
import { fresh, unless, writeKubeconfig } from "./cluster.ts";

/** Kubeconfigs of the two programs that are no administrators. */
export interface Access {
  readonly sidecar: string;
  readonly backup: string;
}

const { namespace, systemNamespace, sidecar, backup, intern } = names;
const snapshots = "snapshot.storage.k8s.io";
const rbac = "rbac.authorization.k8s.io";

/** What a backup program needs: in its namespace to read snapshots and get its own token, and two reads beyond. */
const backupRules: RoleRule[] = [
  { apiGroups: [snapshots], resources: ["volumesnapshots"], verbs: ["get"] },
  { apiGroups: [""], resources: ["serviceaccounts/token"], resourceNames: [backup], verbs: ["create"] },
];
const backupClusterRules: RoleRule[] = [
  { apiGroups: [snapshots], resources: ["volumesnapshotcontents"], verbs: ["get"] },
  {
    apiGroups: ["cbt.storage.k8s.io"],
    resources: ["snapshotmetadataservices"],
    resourceNames: [names.driver],
    verbs: ["get"],
  },
];

/** Makes the two namespaces and three ServiceAccounts with the rights they need and no other. */
export async function grantAccess(cluster: Cluster, world: World): Promise<Outcome<Access>> {
  const { admin } = cluster;
  for (const name of [systemNamespace, namespace]) {
    await makeNamespace(cluster, name, world.signal);
    world.undo(() => admin.delete(Namespace, { name }).catch(unless(isNotFound)));
  }
  await fresh(admin, ServiceAccount, { metadata: { namespace: systemNamespace, name: sidecar } });
  await fresh(admin, ServiceAccount, { metadata: { namespace, name: backup } });
  await fresh(admin, ServiceAccount, { metadata: { namespace, name: intern } });
  await grantEverywhere(cluster, world, { namespace: systemNamespace, name: sidecar }, plain(metadataServer.rbac));
  await grantEverywhere(cluster, world, { namespace, name: backup }, backupClusterRules);
  await fresh(admin, Role, { metadata: { namespace, name: backup }, rules: backupRules });
  await bind(cluster, backup, backup);
  const access = { sidecar: join(world.folder, "sidecar.kubeconfig"), backup: join(world.folder, "backup.kubeconfig") };
  await writeKubeconfig(cluster, access.sidecar, systemNamespace, await tokenOf(cluster, systemNamespace, sidecar));
  await writeKubeconfig(cluster, access.backup, namespace, await tokenOf(cluster, namespace, backup));
  const note = `${namespace}/${backup} and ${systemNamespace}/${sidecar}, least rights each`;
  return { value: access, note };
}

/** Makes a namespace; one that an earlier run left, and that is still being emptied, is waited for. */
async function makeNamespace({ admin }: Cluster, name: string, signal: AbortSignal): Promise<void> {
  for (let patience = 600; patience > 0; patience -= 1) {
    const made = await admin.create(Namespace, { metadata: { name } }).catch(unless(isAlreadyExists));
    if (made) return;
    const found = await admin.find(Namespace, { name });
    if (found && !found.metadata.deletionTimestamp) return;
    await systemClock.sleep(100, signal);
  }
  throw new Failure("transient", "NamespaceStuck", `namespace ${name} of an earlier run has not gone within a minute`);
}

/** Binds a Role of the demo's namespace to one of its ServiceAccounts. */
export async function bind({ admin }: Cluster, role: string, account: string): Promise<void> {
  await fresh(admin, RoleBinding, {
    metadata: { namespace, name: account },
    subjects: [{ kind: "ServiceAccount", namespace, name: account }],
    roleRef: { apiGroup: rbac, kind: "Role", name: role },
  });
}

/** A token for this audience, or for the API server itself; good for ten minutes or, for the latter, an hour. */
export async function tokenOf(
  { admin }: Cluster,
  where: string,
  serviceAccount: string,
  audience?: string,
): Promise<string> {
  const wish = { namespace: where, serviceAccount, audiences: audience ? [audience] : [] };
  const { token } = await requestToken(admin, { ...wish, expirationSeconds: audience ? 600 : 3600 });
  return token;
}

async function grantEverywhere(
  { admin }: Cluster,
  world: World,
  who: { namespace: string; name: string },
  rules: RoleRule[],
): Promise<void> {
  const name = `cbt-demo-${who.name}`;
  await fresh(admin, ClusterRole, { metadata: { name }, rules });
  world.undo(() => admin.delete(ClusterRole, { name }).catch(unless(isNotFound)));
  await fresh(admin, ClusterRoleBinding, {
    metadata: { name },
    subjects: [{ kind: "ServiceAccount", ...who }],
    roleRef: { apiGroup: rbac, kind: "ClusterRole", name },
  });
  world.undo(() => admin.delete(ClusterRoleBinding, { name }).catch(unless(isNotFound)));
}

/** The rules a program publishes, as a role wants them. */
function plain(rules: typeof metadataServer.rbac): RoleRule[] {
  return rules.map(({ apiGroups, resources, verbs, resourceNames }) => ({
    apiGroups: [...apiGroups],
    resources: [...resources],
    verbs: [...verbs],
    ...(resourceNames ? { resourceNames: [...resourceNames] } : {}),
  }));
}
