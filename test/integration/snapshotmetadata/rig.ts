import { randomBytes } from "node:crypto";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SnapshotMetadataService } from "../../../pkg/apis/cbt/index.ts";
import { Namespace } from "../../../pkg/apis/core/index.ts";
import { VolumeSnapshot, VolumeSnapshotClass, VolumeSnapshotContent } from "../../../pkg/apis/snapshot/index.ts";
import { requestToken } from "../../../pkg/kube/authn/index.ts";
import { createKubeClient, type KubeClient, loadKubeConfig } from "../../../pkg/kube/client/index.ts";
import { makeServerCertificate } from "../../../pkg/runtime/certificates/index.ts";
import { createEnv, type PolicyRule } from "../../../pkg/runtime/lifecycle/index.ts";
import { createLogger, silentLogger } from "../../../pkg/runtime/log/index.ts";
import { parseCommandLine } from "../../../pkg/runtime/options/index.ts";
import { type Clock, systemClock } from "../../../pkg/runtime/timing/index.ts";
import { metadataServer } from "../../../pkg/snapshotmetadata/index.ts";
import { testCluster } from "../../support/cluster.ts";
import { applyCrds } from "../../support/crds.ts";
import { eventually } from "../../support/eventually.ts";
import { ensure, kubeconfigOf, makeIdentity } from "../../support/identity.ts";
import { type MetadataCaller, metadataCaller } from "../../support/metadata-call.ts";
import { type RawDriver, type RawDriverScript, rawDriver } from "../../support/raw-driver.ts";

export const audience = "metadata.csi.test";

/** A cluster with the kinds in it, shared by the tests of a file. */
export interface Ground extends AsyncDisposable {
  readonly admin: KubeClient;
  readonly kubeconfigText: string;
}

/** The cluster for tests, which is this file's alone unless one was given. */
export async function openGround(): Promise<Ground> {
  const cluster = await testCluster();
  const ground = await groundOn(cluster.kubeconfig);
  return {
    ...ground,
    [Symbol.asyncDispose]: async () => {
      await ground[Symbol.asyncDispose]();
      await cluster.close();
    },
  };
}

/** Makes any cluster ready for these tests; it stays when the ground goes. */
export async function groundOn(kubeconfig: string): Promise<Ground> {
  const config = await loadKubeConfig({ kubeconfig });
  const admin = createKubeClient({ config, userAgent: "test", log: silentLogger() });
  await applyCrds(admin, [SnapshotMetadataService, VolumeSnapshot, VolumeSnapshotContent, VolumeSnapshotClass]);
  const kubeconfigText = await readFile(kubeconfig, "utf8");
  return { admin, kubeconfigText, [Symbol.asyncDispose]: () => admin.close() };
}

export interface RigOptions {
  readonly driver?: RawDriverScript;
  readonly flags?: readonly string[];
  /** Instead of the component's own rules. */
  readonly rules?: readonly PolicyRule[];
  readonly clock?: Clock;
  /** Without a SnapshotMetadataService object. */
  readonly announced?: boolean;
}

/** The metadata server in front of a scripted driver, in a namespace and with a driver name of its own. */
export interface Rig extends AsyncDisposable {
  readonly admin: KubeClient;
  readonly namespace: string;
  readonly driverName: string;
  readonly driver: RawDriver;
  readonly caller: MetadataCaller;
  readonly port: number;
  readonly caPem: string;
  readonly httpPort: number;
  /** Every line the server logged. */
  readonly log: () => string;
  /** A token of a ServiceAccount in the namespace that may get snapshots there. */
  token(options?: { audience?: string; account?: string }): Promise<string>;
  http(path: string): Promise<{ status: number; body: string }>;
  /** Stops the server; settles when it has stopped. */
  stop(): Promise<void>;
  /** Settles when the server has ended by itself; rejects with what it failed with. */
  readonly finished: Promise<void>;
}

export async function openRig(ground: Ground, options: RigOptions = {}): Promise<Rig> {
  const { admin } = ground;
  const id = randomBytes(4).toString("hex");
  const namespace = `rig-${id}`;
  const driverName = `${id}.csi.test`;
  await using stack = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), "metadata-rig-"));
  stack.defer(() => rm(folder, { recursive: true, force: true }));
  const driver = stack.use(await rawDriver({ name: driverName, ...options.driver }));
  const certificate = await makeServerCertificate(["localhost", "127.0.0.1"]);
  const files = { cert: join(folder, "tls.crt"), key: join(folder, "tls.key"), kubeconfig: join(folder, "kubeconfig") };
  await ensure(admin, Namespace, { metadata: { name: namespace } });
  await makeIdentity(admin, { namespace, name: "sidecar" }, options.rules ?? metadataServer.rbac);
  await makeIdentity(admin, { namespace, name: "backup" }, [
    { apiGroups: ["snapshot.storage.k8s.io"], resources: ["volumesnapshots"], verbs: ["get"] },
  ]);
  if (options.announced !== false) await announce(admin, driverName, certificate.caPem);
  await Promise.all([
    writeFile(files.cert, certificate.certPem),
    writeFile(files.key, certificate.keyPem),
    writeFile(files.kubeconfig, await kubeconfigOf(admin, { namespace, name: "sidecar" }, ground.kubeconfigText)),
  ]);
  const server = await startServer(
    [
      `--csi-address=${driver.socket}`,
      `--tls-cert=${files.cert}`,
      `--tls-key=${files.key}`,
      `--kubeconfig=${files.kubeconfig}`,
      "--port=0",
      "--http-endpoint=127.0.0.1:0",
      ...(options.flags ?? []),
    ],
    options.clock,
  );
  stack.defer(server.stop);
  const caller = stack.use(metadataCaller(server.port, certificate.caPem));
  const owned = stack.move();
  return {
    admin,
    namespace,
    driverName,
    driver,
    caller,
    port: server.port,
    caPem: certificate.caPem,
    httpPort: server.httpPort,
    log: server.log,
    stop: server.stop,
    finished: server.finished,
    token: async ({ audience: wanted = audience, account = "backup" } = {}) => {
      const wish = { namespace, serviceAccount: account, audiences: [wanted] };
      return (await requestToken(admin, wish)).token;
    },
    http: async (path) => {
      const answer = await fetch(`http://127.0.0.1:${server.httpPort}${path}`);
      return { status: answer.status, body: await answer.text() };
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

async function announce(admin: KubeClient, driverName: string, caPem: string): Promise<void> {
  await ensure(admin, SnapshotMetadataService, {
    metadata: { name: driverName },
    spec: { address: "localhost:6443", audience, caCert: Buffer.from(caPem).toString("base64") },
  });
}

interface StartedServer {
  readonly port: number;
  readonly httpPort: number;
  readonly log: () => string;
  stop(): Promise<void>;
  readonly finished: Promise<void>;
}

/** Runs the component as its program would: from a command line. */
export async function startServer(argv: readonly string[], clock: Clock = systemClock): Promise<StartedServer> {
  const parsed = parseCommandLine([metadataServer.options], argv, {});
  if (!parsed.ok) throw new Error(parsed.problems.join("; "));
  const lines: string[] = [];
  const log = createLogger({
    name: "csi-snapshot-metadata",
    level: "trace",
    destination: { write: (line: string) => void lines.push(line) },
  });
  const stopping = new AbortController();
  const env = createEnv({ program: "csi-snapshot-metadata", log, clock, signal: stopping.signal });
  const runnable = await metadataServer.build(parsed.values[0], env);
  let failure: unknown;
  const finished = runnable.run(stopping.signal);
  const running = finished.catch((thrown: unknown) => {
    failure = thrown;
  });
  const logged = (text: string): Record<string, unknown> => {
    const line = lines.find((each) => each.includes(text));
    if (line === undefined) throw new Error(`not logged yet: ${text}`);
    return JSON.parse(line) as Record<string, unknown>;
  };
  const serving = await Promise.race([
    eventually("the server serves", () => logged('"serving"')),
    finished.then(() => ({}) as Record<string, unknown>),
  ]);
  return {
    port: Number(serving["port"]),
    httpPort: Number(serving["httpPort"]),
    log: () => lines.join(""),
    finished,
    stop: async () => {
      stopping.abort();
      await running;
      await env[Symbol.asyncDispose]();
      if (failure !== undefined) throw failure;
    },
  };
}

/** Resolves when the driver has been met. */
export async function untilReady(rig: Rig): Promise<void> {
  await eventually("the server is ready", async () => {
    const { status, body } = await rig.http("/readyz");
    if (status !== 200) throw new Error(body);
  });
}
