import { globSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parse, parseAllDocuments } from "yaml";
import { SnapshotMetadataService } from "../../../pkg/apis/cbt/index.ts";
import { CustomResourceDefinition } from "../../../pkg/apis/core/index.ts";
import type { Kind, KubeObject } from "../../../pkg/apis/schema/index.ts";
import { VolumeSnapshot, VolumeSnapshotClass, VolumeSnapshotContent } from "../../../pkg/apis/snapshot/index.ts";
import {
  createKubeClient,
  isAlreadyExists,
  isNotFound,
  type KubeClient,
  loadKubeConfig,
} from "../../../pkg/kube/client/index.ts";
import { silentLogger } from "../../../pkg/runtime/log/index.ts";
import { systemClock } from "../../../pkg/runtime/timing/index.ts";
import type { Outcome } from "../screen/narrator.ts";
import type { Cluster, World } from "../world.ts";

/** Starts the embedded API server, or connects to the cluster that was given. */
export async function openCluster(world: World): Promise<Outcome<Cluster>> {
  const given = world.options.kubeconfig;
  const adminKubeconfig = given || join(world.folder, "admin.kubeconfig");
  let where = `the cluster of ${given}`;
  if (!given) {
    const { service } = await world.startService({
      name: "dev-cluster",
      args: [`--kubeconfig=${adminKubeconfig}`],
      isReady: ({ ready }) => ready === true,
      restarts: false,
    });
    where = `dev-cluster, embedded, process ${service.pid}`;
  }
  const config = loadKubeConfig({ kubeconfig: adminKubeconfig });
  const admin = createKubeClient({ config, userAgent: "csi-data-protection-demo", log: silentLogger() });
  world.atEnd(() => admin.close());
  const value = { admin, adminKubeconfig, url: config.server.origin };
  return { value, note: `${where}, ${value.url}`, data: { url: value.url } };
}

const kinds = [VolumeSnapshot, VolumeSnapshotContent, VolumeSnapshotClass, SnapshotMetadataService] as const;
const folder = join(import.meta.dirname, "..", "..", "..", "deploy", "crds");

/** Applies the definitions of the kinds in use, from deploy/crds, and waits until they are served. */
export async function applyCrds({ admin }: Cluster, { signal }: World): Promise<Outcome<undefined>> {
  for (const kind of kinds) {
    const [path] = globSync(`*_${kind.plural}.yaml`, { cwd: folder });
    const text = await readFile(join(folder, path ?? `${kind.plural}.yaml`), "utf8");
    for (const document of parseAllDocuments(text)) {
      const crd = document.toJS() as CustomResourceDefinition;
      // Definitions that are there belong to somebody: they are left as they are.
      await admin.create(CustomResourceDefinition, crd).catch(unless(isAlreadyExists));
    }
  }
  for (const kind of kinds) await served(admin, kind, signal);
  return { value: undefined, note: `${kinds.length} kinds from deploy/crds` };
}

async function served(admin: KubeClient, kind: Kind, signal: AbortSignal): Promise<void> {
  for (let patience = 100; ; patience -= 1) {
    try {
      await admin.list(kind, { limit: 1, signal });
      return;
    } catch (thrown) {
      if (!isNotFound(thrown) || patience === 0) throw thrown;
      await systemClock.sleep(50, signal);
    }
  }
}

/** Makes the object; what an earlier run left under its name goes first. */
export async function fresh<T extends KubeObject>(admin: KubeClient, kind: Kind<T>, object: T): Promise<T> {
  const { name = "", namespace } = object.metadata;
  await admin.delete(kind, { name, namespace }).catch(unless(isNotFound));
  return await admin.create(kind, object);
}

/** Lets errors pass that are expected. */
export function unless(expected: (thrown: unknown) => boolean): (thrown: unknown) => void {
  return (thrown) => {
    if (!expected(thrown)) throw thrown;
  };
}

/** A kubeconfig for the same cluster, with a token in place of the administrator. Mode 0600. */
export async function writeKubeconfig(
  { adminKubeconfig }: Cluster,
  path: string,
  namespace: string,
  token: string,
): Promise<void> {
  const text = await readFile(adminKubeconfig, "utf8");
  const config = parse(text) as AdminKubeconfig;
  const context = config.contexts.find(({ name }) => name === config["current-context"])?.context;
  const cluster = config.clusters.find(({ name }) => name === context?.cluster);
  const made = {
    apiVersion: "v1",
    kind: "Config",
    clusters: [{ name: "demo", cluster: cluster?.cluster }],
    users: [{ name: "demo", user: { token } }],
    contexts: [{ name: "demo", context: { cluster: "demo", user: "demo", namespace } }],
    "current-context": "demo",
  };
  await writeFile(path, JSON.stringify(made, undefined, 2), { mode: 0o600 });
}

interface AdminKubeconfig {
  readonly "current-context": string;
  readonly contexts: readonly { readonly name: string; readonly context: { readonly cluster: string } }[];
  readonly clusters: readonly { readonly name: string; readonly cluster: Record<string, unknown> }[];
}
