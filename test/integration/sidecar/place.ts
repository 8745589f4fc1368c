import { randomBytes } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SnapshotMetadataService } from "../../../pkg/apis/cbt/index.ts";
import { Namespace, Secret } from "../../../pkg/apis/core/index.ts";
import { requestToken } from "../../../pkg/kube/authn/index.ts";
import type { KubeClient } from "../../../pkg/kube/client/index.ts";
import { makeServerCertificate, type ServerCertificate } from "../../../pkg/runtime/certificates/index.ts";
import type { PolicyRule } from "../../../pkg/runtime/lifecycle/index.ts";
import { metadataServer } from "../../../pkg/snapshotmetadata/index.ts";
import { eventually } from "../../support/eventually.ts";
import { ensure, type Identity, kubeconfigOf, makeIdentity } from "../../support/identity.ts";
import { type CallResult, type MetadataCaller, metadataCaller } from "../../support/metadata-call.ts";
import { type RawDriver, type RawDriverScript, rawDriver } from "../../support/raw-driver.ts";
import { audience, type Ground } from "../snapshotmetadata/rig.ts";
import { Canaries } from "./canaries.ts";
import { type RunningProgram, startProgram } from "./program.ts";

export interface PlaceOptions {
  /** What the scripted driver does. */
  readonly driver?: RawDriverScript;
  /** Name of a driver that the test runs itself; there is none in the place then. */
  readonly driverName?: string;
  /** Instead of the program's own rules. */
  readonly rules?: readonly PolicyRule[];
  /** A ServiceAccount that exists and has its rights already. */
  readonly identity?: Identity;
  /** The administrator's kubeconfig to derive from, when the program must not talk to the cluster directly. */
  readonly kubeconfigText?: string;
  /** Without a SnapshotMetadataService object. */
  readonly announced?: boolean;
}

/** A sidecar of the place, serving. */
export interface Sidecar extends RunningProgram {
  readonly port: number;
  /** 0 when there is no HTTP endpoint. */
  readonly httpPort: number;
  readonly caller: MetadataCaller;
  http(path: string): Promise<{ readonly status: number; readonly body: string }>;
  /** Waits until the driver has been met. */
  ready(): Promise<void>;
}

/** A namespace, a driver, certificates and rights: everything csi-snapshot-metadata needs around it. */
export interface Place extends AsyncDisposable {
  readonly admin: KubeClient;
  readonly namespace: string;
  readonly driverName: string;
  readonly driver: RawDriver;
  readonly folder: string;
  readonly certificate: ServerCertificate;
  readonly files: { readonly cert: string; readonly key: string; readonly kubeconfig: string };
  readonly canaries: Canaries;
  /** The flags every sidecar of the place gets first; a flag that comes again wins. */
  readonly flags: readonly string[];
  /** A token of a ServiceAccount that may get snapshots. */
  token(options?: { readonly audience?: string; readonly account?: string }): Promise<string>;
  /** A secret in the namespace, whose values must not be seen anywhere. */
  putSecret(name: string, values: Readonly<Record<string, string>>): Promise<void>;
  /** Starts the program with exactly these flags; its output is searched for secrets in the end. */
  launch(flags: readonly string[], env?: Readonly<Record<string, string>>): RunningProgram;
  /** Starts the program with the flags of the place and these, and waits until it serves. */
  start(flags?: readonly string[], env?: Readonly<Record<string, string>>): Promise<Sidecar>;
  /** Asks for the allocated blocks of snapshot "snap" with a good token and these changes. */
  ask(sidecar: Sidecar, changes?: Readonly<Record<string, unknown>>): Promise<CallResult>;
}

export async function openPlace(ground: Ground, options: PlaceOptions = {}): Promise<Place> {
  const { admin } = ground;
  const id = randomBytes(4).toString("hex");
  const namespace = `sidecar-${id}`;
  const driverName = options.driverName ?? `${id}.csi.test`;
  await using stack = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), "sidecar-"));
  stack.defer(() => rm(folder, { recursive: true, force: true }));
  const canaries = new Canaries();
  const driver = stack.use(await rawDriver({ name: driverName, ...options.driver }));
  const certificate = await makeServerCertificate(["localhost", "127.0.0.1"]);
  const files = { cert: join(folder, "tls.crt"), key: join(folder, "tls.key"), kubeconfig: join(folder, "kubeconfig") };
  await ensure(admin, Namespace, { metadata: { name: namespace } });
  const identity =
    options.identity ??
    (await makeIdentity(admin, { namespace, name: "sidecar" }, options.rules ?? metadataServer.rbac));
  await makeIdentity(admin, { namespace, name: "backup" }, [
    { apiGroups: ["snapshot.storage.k8s.io"], resources: ["volumesnapshots"], verbs: ["get"] },
  ]);
  if (options.announced !== false) await announce(admin, driverName, certificate.caPem);
  const kubeconfig = await kubeconfigOf(admin, identity, options.kubeconfigText ?? ground.kubeconfigText);
  canaries.hideToken("the program's own token", /"token":"([^"]+)"/.exec(kubeconfig)?.[1] ?? "");
  canaries.hideKey("the TLS key", certificate.keyPem);
  await Promise.all([
    writeFile(files.cert, certificate.certPem),
    writeFile(files.key, certificate.keyPem),
    writeFile(files.kubeconfig, kubeconfig),
  ]);
  // Runs first, after all sidecars have ended: what they told until their last moment counts.
  const programs = new AsyncDisposableStack();
  stack.defer(async () => {
    await programs.disposeAsync();
    canaries.check();
  });
  const flags = [
    `--csi-address=${driver.socket}`,
    `--tls-cert=${files.cert}`,
    `--tls-key=${files.key}`,
    `--kubeconfig=${files.kubeconfig}`,
    "--port=0",
    "--http-endpoint=127.0.0.1:0",
    "--v=5",
  ];
  const launch: Place["launch"] = (given, env) => {
    const cache = { NODE_COMPILE_CACHE: join(folder, "compiled") };
    const program = programs.use(startProgram("csi-snapshot-metadata", given, { ...cache, ...env }));
    canaries.watch("stdout", program.stdout);
    canaries.watch("the log", program.stderr);
    return program;
  };
  const token: Place["token"] = async ({ audience: wanted = audience, account = "backup" } = {}) => {
    const wish = { namespace, serviceAccount: account, audiences: [wanted] };
    return canaries.hideToken("a caller's token", (await requestToken(admin, wish)).token);
  };
  const owned = stack.move();
  return {
    admin,
    namespace,
    driverName,
    driver,
    folder,
    certificate,
    files,
    canaries,
    flags,
    token,
    launch,
    putSecret: async (name, values) => {
      const data = Object.fromEntries(
        Object.entries(values).map(([key, value]) => {
          canaries.hide(`secret value ${key}`, value);
          return [key, canaries.hide(`secret value ${key}`, Buffer.from(value).toString("base64"))];
        }),
      );
      await admin.create(Secret, { metadata: { namespace, name }, data });
    },
    start: async (given = [], env) =>
      programs.use(await serving(launch([...flags, ...given], env), certificate, canaries)),
    ask: async (sidecar, changes = {}) => {
      const { securityToken = await token(), ...rest } = changes;
      const request = { namespace, snapshotName: "snap", ...rest, securityToken: String(securityToken) };
      const result = await sidecar.caller.allocated(request);
      canaries.watch("the answer to a caller", result.details);
      return result;
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

async function serving(program: RunningProgram, { caPem }: ServerCertificate, canaries: Canaries): Promise<Sidecar> {
  const { port, httpPort } = await program.logged("serving");
  const caller = metadataCaller(Number(port), caPem);
  const http: Sidecar["http"] = async (path) => {
    const answer = await fetch(`http://127.0.0.1:${Number(httpPort)}${path}`);
    const body = await answer.text();
    canaries.watch(path, body);
    return { status: answer.status, body };
  };
  const end = async (): Promise<void> => {
    // The page is read once more for its secrets; a program that is gone has none left.
    if (httpPort !== undefined) await http("/metrics").catch(() => undefined);
    caller[Symbol.dispose]();
    await program[Symbol.asyncDispose]();
  };
  return {
    ...program,
    port: Number(port),
    httpPort: Number(httpPort ?? 0),
    caller,
    http,
    ready: async () => {
      await program.logged("driver ready");
    },
    [Symbol.asyncDispose]: end,
  };
}

/** The program is ready again after its driver was away: the log's first "ready" is an old one. */
export async function untilReady(sidecar: Sidecar): Promise<void> {
  await eventually("the sidecar is ready", async () => {
    const { status, body } = await sidecar.http("/readyz");
    if (status !== 200) throw new Error(body);
  });
}
