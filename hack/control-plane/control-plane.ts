import { mkdtemp, readFile, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  apiServerArguments,
  auditPolicy,
  certificateFile,
  etcdArguments,
  etcdSocket,
  issuer,
  type Layout,
  managerArguments,
} from "./arguments.ts";
import { findAssets } from "./assets.ts";
import { compactEtcd } from "./compaction.ts";
import { makeCredentials, signingKeyFile, writeKubeconfig } from "./credentials.ts";
import { type Access, becomeReady } from "./readiness.ts";
import { type Supervision, supervise } from "./supervision.ts";
import { type Program, serverPrograms } from "./versions.ts";

/** How to start a control plane; every field has a default. */
export interface ControlPlaneOptions {
  /** Environment to obey; the process's own by default. */
  readonly env?: NodeJS.ProcessEnv;
  /** File for the API server's audit log: one JSON document per answered request. Not removed on close. */
  readonly auditLog?: string;
  /** Further arguments for kube-apiserver; they come last, so they win. */
  readonly apiServerArgs?: readonly string[];
  /** Hears what takes long. */
  readonly say?: (line: string) => void;
  /** Milliseconds until a start that does not become ready is given up; default 60000. */
  readonly readyWithinMs?: number;
}

/** What can be done to a control plane of ours from beside it, also by another process of the same user. */
export interface ControlPlaneInside {
  /** Issuer of ServiceAccount tokens, and the PEM file of the key that signs them. */
  readonly issuer: string;
  readonly signingKeyFile: string;
  /** Forgets old versions of all objects. */
  compact(): Promise<void>;
}

/** A running etcd, kube-apiserver and kube-controller-manager. */
export interface ControlPlane extends ControlPlaneInside {
  /** Path of the administrator's kubeconfig, mode 0600; it disappears on close. */
  readonly kubeconfig: string;
  readonly url: string;
  /** Work folder, for `insideControlPlane` in another process. */
  readonly folder: string;
  /** Process id of the supervisor, the leader of the group that all programs are in. */
  readonly pid: number;
  /** Settles with a sentence should a program end before `close`. */
  readonly broken: Promise<string>;
  /** Kills this process and its descendants too, should whoever started the control plane disappear. */
  follow(pid: number | undefined): void;
  /** Ends every program and removes all files. Safe to call twice. */
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** Takes hold of a control plane that another process started in `folder`. */
export function insideControlPlane(folder: string): ControlPlaneInside {
  return { issuer, signingKeyFile: signingKeyFile(folder), compact: () => compactEtcd(etcdSocket(folder)) };
}

const attempts = 3;

/** Starts a control plane on free ports; resolves when it is ready and its default ServiceAccount exists. */
export async function startControlPlane(options: ControlPlaneOptions = {}): Promise<ControlPlane> {
  const env = options.env ?? process.env;
  const assets = await findAssets(serverPrograms, { env, ...(options.say ? { say: options.say } : {}) });
  for (let attempt = 1; ; attempt++) {
    try {
      return await attemptStart(assets, options);
    } catch (thrown) {
      // Between finding the free port and using it somebody else may have taken it.
      if (attempt === attempts || !/address already in use/.test(String(thrown))) throw thrown;
    }
  }
}

async function attemptStart(assets: Record<Program, string>, options: ControlPlaneOptions): Promise<ControlPlane> {
  const folder = await mkdtemp(join(tmpdir(), "csi-data-protection-control-plane-"));
  const supervision = await supervise(folder);
  try {
    const layout: Layout = {
      folder,
      port: await freePort(),
      credentials: await makeCredentials(folder),
      auditLog: options.auditLog,
      apiServerArgs: options.apiServerArgs ?? [],
    };
    await writeFile(join(folder, "audit-policy.yaml"), auditPolicy);
    const kubeconfig = await startPrograms(assets, layout, supervision, options.readyWithinMs ?? 60_000);
    return running(layout, supervision, kubeconfig);
  } catch (thrown) {
    await supervision.close();
    throw thrown;
  }
}

function running({ folder, port }: Layout, supervision: Supervision, kubeconfig: string): ControlPlane {
  return {
    ...insideControlPlane(folder),
    kubeconfig,
    url: `https://127.0.0.1:${port}`,
    folder,
    pid: supervision.pid,
    broken: supervision.broken,
    follow: (process) => supervision.tell({ kind: "follow", pid: process }),
    close: () => supervision.close(),
    [Symbol.asyncDispose]: () => supervision.close(),
  };
}

/** Returns the path of the administrator's kubeconfig. */
async function startPrograms(
  assets: Record<Program, string>,
  layout: Layout,
  supervision: Supervision,
  readyWithinMs: number,
): Promise<string> {
  const { folder, credentials } = layout;
  const start = (name: Program, args: readonly string[]) =>
    supervision.tell({ kind: "start", name, file: assets[name], args, log: join(folder, `${name}.log`) });
  const url = `https://127.0.0.1:${layout.port}`;
  const admin: Access = { url, caFile: certificateFile(folder), token: credentials.adminToken };
  const ready = (...paths: string[]) => readyOrExplain(admin, paths, { folder, supervision, readyWithinMs });

  start("etcd", etcdArguments(layout));
  start("kube-apiserver", apiServerArguments(layout));
  await ready("/readyz");
  const manager = await writeKubeconfig(folder, "manager.kubeconfig", { ...admin, token: credentials.managerToken });
  start("kube-controller-manager", managerArguments(layout, manager));
  await ready("/api/v1/namespaces/default/serviceaccounts/default");
  return await writeKubeconfig(folder, "admin.kubeconfig", admin);
}

async function readyOrExplain(
  access: Access,
  paths: readonly string[],
  context: { readonly folder: string; readonly supervision: Supervision; readonly readyWithinMs: number },
): Promise<void> {
  const given = AbortSignal.timeout(context.readyWithinMs);
  const over = new AbortController();
  const broken = context.supervision.broken.then((why) => Promise.reject(new Error(why)));
  try {
    await Promise.race([becomeReady(access, paths, AbortSignal.any([given, over.signal])), broken]);
  } catch (thrown) {
    const why = given.aborted ? `not ready within ${context.readyWithinMs} ms` : (thrown as Error).message;
    throw new Error(`control plane: ${why}\n${await lastLines(context.folder)}`, { cause: thrown });
  } finally {
    over.abort();
  }
}

async function lastLines(folder: string): Promise<string> {
  const logs = serverPrograms.map(async (name) => {
    const text = await readFile(join(folder, `${name}.log`), "utf8").catch(() => "");
    return text === "" ? "" : `--- ${name}\n${text.trimEnd().split("\n").slice(-8).join("\n")}\n`;
  });
  return (await Promise.all(logs)).join("");
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", resolve);
  });
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === "string") throw new Error("no free port");
  return address.port;
}
