import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { parseAllDocuments } from "yaml";
import { ClusterRole, ClusterRoleBinding, Namespace, ServiceAccount } from "../../../pkg/apis/core/index.ts";
import type { Kind, KubeObject } from "../../../pkg/apis/schema/index.ts";
import { isAlreadyExists, type KubeClient } from "../../../pkg/kube/client/index.ts";
import { ensure, type Identity } from "../../support/identity.ts";

type Role = KubeObject & {
  readonly rules: readonly { apiGroups: string[]; resources: string[]; verbs: string[]; resourceNames?: string[] }[];
};

const kinds: Readonly<Record<string, Kind>> = { ServiceAccount, ClusterRole, ClusterRoleBinding };

/** Applies the generated role of the program as it stands in deploy/, and tells whom it is for and what it grants. */
export async function applyGeneratedRole(admin: KubeClient): Promise<{ identity: Identity; rules: Role["rules"] }> {
  const path = join(import.meta.dirname, "../../../deploy/rbac/csi-snapshot-metadata.yaml");
  const objects = parseAllDocuments(await readFile(path, "utf8")).map((each) => each.toJS() as KubeObject);
  for (const object of objects) {
    const { kind: kindName = "" } = object;
    const kind = kinds[kindName];
    if (kind === undefined) throw new Error(`the manifest holds a ${kindName}, for which this test is not made`);
    const { namespace } = object.metadata;
    if (namespace !== undefined) await ensure(admin, Namespace, { metadata: { name: namespace } });
    await admin.create(kind, object).catch(async (thrown: unknown) => {
      if (!isAlreadyExists(thrown)) throw thrown;
      await admin.patch(kind, { name: object.metadata.name ?? "", namespace }, { type: "merge", body: object });
    });
  }
  const account = objects.find((each) => each.kind === "ServiceAccount")?.metadata;
  const role = objects.find((each) => each.kind === "ClusterRole") as Role | undefined;
  if (account?.name === undefined || account.namespace === undefined || role === undefined) {
    throw new Error("the manifest must hold a ServiceAccount and a ClusterRole");
  }
  return { identity: { namespace: account.namespace, name: account.name }, rules: role.rules };
}
