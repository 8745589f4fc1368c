import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type ControlPlaneInside, insideControlPlane, startControlPlane } from "../../hack/control-plane/index.ts";
import { type DevKubeOptions, startDevKube } from "../../pkg/dev/kube/index.ts";
import { systemClock } from "../../pkg/runtime/timing/index.ts";
import { type Account, requestToken, signToken } from "./service-account-token.ts";
import { ShiftedClock } from "./shifted-clock.ts";

/** What tests can do to a server from beside it; nobody can do it to a cluster that is not ours. */
export interface ClusterInside {
  /** Forgets old versions of all objects, so that older resourceVersions and continue tokens answer 410. */
  compact(): Promise<void>;
  /** A token of a ServiceAccount that was valid once. */
  expiredToken(account: Account): Promise<string>;
}

/** A Kubernetes API server for tests. */
export interface TestCluster {
  /** Path of the administrator's kubeconfig. */
  readonly kubeconfig: string;
  readonly kubeconfigText: string;
  /** `embedded`: ours, in memory. `real`: a control plane that hack/control-plane started. `external`: a person's. */
  readonly kind: "embedded" | "real" | "external";
  readonly inside: ClusterInside | undefined;
  /** Ends what was started for this; leaves a given cluster alone. Safe to call twice. */
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** The cluster that TEST_KUBECONFIG names; without it a fresh embedded server. */
export async function testCluster(options: DevKubeOptions = {}): Promise<TestCluster> {
  return (await givenCluster()) ?? (await embeddedCluster(options));
}

/** The cluster that TEST_KUBECONFIG names; without it a fresh real control plane, for which Go or binaries are needed. */
export async function realCluster(): Promise<TestCluster> {
  const given = await givenCluster();
  if (given !== undefined) return given;
  const plane = await startControlPlane({ say: (line) => process.stderr.write(`control-plane: ${line}\n`) });
  return await cluster("real", plane.kubeconfig, insideOf(plane), () => plane.close());
}

/** A fresh embedded server, whatever the environment says. */
export async function embeddedCluster(options: DevKubeOptions = {}): Promise<TestCluster> {
  const clock = new ShiftedClock(options.clock ?? systemClock);
  const kube = await startDevKube({ ...options, clock });
  const folder = await mkdtemp(join(tmpdir(), "test-cluster-"));
  const path = join(folder, "kubeconfig");
  await writeFile(path, kube.kubeconfig, { mode: 0o600 });
  const inside: ClusterInside = {
    compact: async () => kube.hooks.compact(),
    expiredToken: async (account) => await clock.shifted(-twoHoursMs, () => requestToken(kube.kubeconfig, account)),
  };
  return await cluster("embedded", path, inside, async () => {
    await kube.close();
    await rm(folder, { recursive: true, force: true });
  });
}

async function givenCluster(): Promise<TestCluster | undefined> {
  const { TEST_KUBECONFIG: path, TEST_CONTROL_PLANE: folder } = process.env;
  if (path === undefined || path === "") return undefined;
  const inside = folder === undefined ? undefined : insideOf(insideControlPlane(folder));
  return await cluster(inside === undefined ? "external" : "real", path, inside, async () => undefined);
}

async function cluster(
  kind: TestCluster["kind"],
  kubeconfig: string,
  inside: ClusterInside | undefined,
  close: () => Promise<void>,
): Promise<TestCluster> {
  const kubeconfigText = await readFile(kubeconfig, "utf8");
  return { kubeconfig, kubeconfigText, kind, inside, close, [Symbol.asyncDispose]: close };
}

const twoHoursMs = 2 * 3_600_000;

/** A real server's token can only run out by waiting ten minutes; its key can sign one that did. */
function insideOf(plane: ControlPlaneInside): ClusterInside {
  return {
    compact: () => plane.compact(),
    expiredToken: async (account) =>
      signToken(await readFile(plane.signingKeyFile, "utf8"), plane.issuer, account, twoHoursMs),
  };
}
