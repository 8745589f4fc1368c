import { randomBytes } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SnapshotMetadataService } from "../../pkg/apis/cbt/index.ts";
import { ClusterRole, ClusterRoleBinding, Namespace } from "../../pkg/apis/core/index.ts";
import type { Kind } from "../../pkg/apis/schema/index.ts";
import { VolumeSnapshot, VolumeSnapshotClass, VolumeSnapshotContent } from "../../pkg/apis/snapshot/index.ts";
import { requestToken } from "../../pkg/kube/authn/index.ts";
import { createKubeClient, type KubeClient, loadKubeConfig } from "../../pkg/kube/client/index.ts";
import { makeServerCertificate } from "../../pkg/runtime/certificates/index.ts";
import { silentLogger } from "../../pkg/runtime/log/index.ts";
import { metadataServer } from "../../pkg/snapshotmetadata/index.ts";
import { type TestCluster, testCluster } from "../support/cluster.ts";
import { applyCrds } from "../support/crds.ts";
import { ensure, kubeconfigOf, makeIdentity } from "../support/identity.ts";

const audience = "metadata.bench.csi.test";

/** A cluster with all that one metadata server and its callers need, and the files a server is started with. */
export interface Ground extends AsyncDisposable {
  readonly clusterKind: TestCluster["kind"];
  readonly adminKubeconfig: string;
  readonly namespace: string;
  readonly driverName: string;
  /** Of a ServiceAccount that may get snapshots in the namespace. */
  readonly token: string;
  readonly caPem: string;
  readonly files: { readonly cert: string; readonly key: string; readonly kubeconfig: string };
  /** Where sockets and the like go. */
  readonly folder: string;
  /** Name of a settled snapshot whose handle tells the source how many tuples to send; made when first asked for. */
  snapshotOf(tuples: number): Promise<string>;
}

/** Prepares the cluster that TEST_KUBECONFIG names, or an embedded one; leaves nothing behind. */
export async function openGround(): Promise<Ground> {
  await using stack = new AsyncDisposableStack();
  const cluster = stack.use(await testCluster());
  const admin = createKubeClient({
    config: loadKubeConfig({ kubeconfig: cluster.kubeconfig }),
    userAgent: "bench",
    log: silentLogger(),
  });
  stack.defer(() => admin.close());
  const folder = await mkdtemp(join(tmpdir(), "bench-"));
  stack.defer(() => rm(folder, { recursive: true, force: true }));
  const namespace = `bench-${randomBytes(4).toString("hex")}`;
  const driverName = `${namespace}.csi.test`;
  const made: [Kind, string][] = [];
  stack.defer(() => remove(admin, made));
  await applyCrds(admin, [SnapshotMetadataService, VolumeSnapshot, VolumeSnapshotContent, VolumeSnapshotClass]);
  made.push([Namespace, namespace]);
  await ensure(admin, Namespace, { metadata: { name: namespace } });
  for (const name of ["sidecar", "backup"]) {
    made.push([ClusterRoleBinding, `${namespace}-${name}`], [ClusterRole, `${namespace}-${name}`]);
  }
  await makeIdentity(admin, { namespace, name: "sidecar" }, metadataServer.rbac);
  await makeIdentity(admin, { namespace, name: "backup" }, [
    { apiGroups: ["snapshot.storage.k8s.io"], resources: ["volumesnapshots"], verbs: ["get"] },
  ]);
  const certificate = await makeServerCertificate(["localhost", "127.0.0.1"]);
  made.push([SnapshotMetadataService, driverName], [VolumeSnapshotClass, namespace]);
  await ensure(admin, SnapshotMetadataService, {
    metadata: { name: driverName },
    spec: { address: "localhost:6443", audience, caCert: Buffer.from(certificate.caPem).toString("base64") },
  });
  // The original refuses a snapshot without a class.
  await ensure(admin, VolumeSnapshotClass, {
    metadata: { name: namespace },
    driver: driverName,
    deletionPolicy: "Retain",
  });
  const files = { cert: join(folder, "tls.crt"), key: join(folder, "tls.key"), kubeconfig: join(folder, "kubeconfig") };
  const kubeconfig = await kubeconfigOf(admin, { namespace, name: "sidecar" }, cluster.kubeconfigText);
  await writeFile(files.cert, certificate.certPem);
  await writeFile(files.key, certificate.keyPem, { mode: 0o600 });
  await writeFile(files.kubeconfig, kubeconfig, { mode: 0o600 });
  const { token } = await requestToken(admin, { namespace, serviceAccount: "backup", audiences: [audience] });
  const owned = stack.move();
  return {
    clusterKind: cluster.kind,
    adminKubeconfig: cluster.kubeconfig,
    namespace,
    driverName,
    token,
    caPem: certificate.caPem,
    files,
    folder,
    snapshotOf: async (tuples) => {
      const name = `tuples-${tuples}`;
      const contentName = `${namespace}-${name}`;
      if (made.some(([, known]) => known === contentName)) return name;
      made.push([VolumeSnapshotContent, contentName]);
      await putSnapshot(admin, { namespace, name, driverName });
      return name;
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** A VolumeSnapshot and its content as a snapshot controller leaves them; the handle is the snapshot's name. */
async function putSnapshot(
  admin: KubeClient,
  { namespace, name, driverName }: { namespace: string; name: string; driverName: string },
): Promise<void> {
  const contentName = `${namespace}-${name}`;
  const snapshot = await admin.create(VolumeSnapshot, {
    metadata: { namespace, name },
    spec: { source: { volumeSnapshotContentName: contentName }, volumeSnapshotClassName: namespace },
  });
  await admin.create(VolumeSnapshotContent, {
    metadata: { name: contentName },
    spec: {
      deletionPolicy: "Retain",
      driver: driverName,
      source: { snapshotHandle: name },
      volumeSnapshotClassName: namespace,
      volumeSnapshotRef: { namespace, name, uid: snapshot.metadata.uid ?? "" },
    },
  });
  const settle = <T extends typeof VolumeSnapshot | typeof VolumeSnapshotContent>(
    kind: T,
    ref: { name: string; namespace?: string },
    status: object,
  ) => admin.patch(kind as Kind, ref, { type: "merge", body: { status } }, { subresource: "status" });
  await settle(VolumeSnapshotContent, { name: contentName }, { readyToUse: true, snapshotHandle: name });
  const bound = { readyToUse: true, boundVolumeSnapshotContentName: contentName };
  await settle(VolumeSnapshot, { namespace, name }, bound);
}

/** Takes away what was made, so far as it is there. */
async function remove(admin: KubeClient, made: readonly [Kind, string][]): Promise<void> {
  for (const [kind, name] of made) await admin.delete(kind, { name }).catch(() => undefined);
}
