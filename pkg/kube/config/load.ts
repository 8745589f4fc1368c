import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { KubeConfig as NodeKubeConfig, type User } from "@kubernetes/client-node";
import { Failure } from "../../runtime/errors/index.ts";
import type { Credentials } from "./credentials.ts";
import { Identity } from "./identity.ts";
import { type Entries, readFiles, readText, type UserExtras } from "./kubeconfig-file.ts";
import { proxyFor } from "./proxy.ts";

export interface LoadOptions {
  /** Path of a kubeconfig file, as `--kubeconfig` gives it. Empty is the same as absent. */
  readonly kubeconfig?: string | undefined;
  /** Without `kubeconfig`, only the pod's ServiceAccount: for programs of a cluster, which nobody's files may lead away. */
  readonly inClusterOnly?: boolean | undefined;
  /** The kubeconfig itself, as YAML; instead of a file. */
  readonly text?: string | undefined;
  /** Context to use instead of the current one. */
  readonly context?: string | undefined;
  /** Where KUBECONFIG, HOME, KUBERNETES_SERVICE_HOST and HTTPS_PROXY are looked up. Default: the process's. */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
  /** Folder with `token`, `ca.crt` and `namespace` inside a pod. */
  readonly serviceAccountDir?: string | undefined;
  /** How long what was read from token and certificate files counts as current. Default 5000. */
  readonly freshMs?: number | undefined;
  /** How long a credential plugin may run. Default 30 000. */
  readonly execTimeoutMs?: number | undefined;
}

/** One API server and who we are there. Files it names are read again as they rotate. */
export interface KubeConfig {
  readonly server: URL;
  /** Where it came from, for logs: a path, "in-cluster" or "text". */
  readonly source: string;
  readonly context: string;
  /** Namespace of the context, or of the pod. */
  readonly namespace: string | undefined;
  /** HTTP proxy that connections are tunnelled through. */
  readonly proxyUrl: URL | undefined;
  /** Headers and TLS material for the next request. */
  credentials(): Promise<Credentials>;
  /** The server refused them: read everything again next time. */
  forget(): void;
}

/**
 * The explicit file, else $KUBECONFIG (a list is merged), else ~/.kube/config, else the pod's ServiceAccount.
 * With `inClusterOnly` the two in the middle are left out. Throws a terminal Failure that names the file and the field.
 */
export function loadKubeConfig(options: LoadOptions = {}): KubeConfig {
  const env = options.env ?? process.env;
  const { entries, source } = findEntries(options, env);
  const wrong = (message: string): Failure =>
    new Failure("terminal", "KubeconfigInvalid", `kubeconfig ${source}: ${message}`);
  const pick = <T extends { name: string }>(list: readonly T[], what: string, name: string | undefined): T => {
    const found = list.find((entry) => entry.name === name);
    if (found) return found;
    const known = list.map((entry) => entry.name).join(", ") || "none";
    throw wrong(`${what} ${JSON.stringify(name ?? "")} is not there (known: ${known})`);
  };

  const context = pick(entries.contexts, "context", options.context || entries.currentContext);
  const cluster = pick(entries.clusters, `cluster of context ${context.name}:`, context.cluster);
  const user = context.user ? pick(entries.users, `user of context ${context.name}:`, context.user) : { name: "none" };
  const server = serverUrl(cluster.server, wrong);
  const proxyUrl = proxyFor(server, cluster.proxyUrl, env, wrong);
  const extras = entries.extras.get(user.name) ?? { impersonation: {} };
  const auth = new NodeKubeConfig();
  auth.loadFromClusterAndUser({ ...cluster, proxyUrl: undefined as never, skipTLSVerify: true }, ownPartOf(user));
  const identity = new Identity({
    auth,
    cluster,
    extras,
    source,
    env,
    now: Date.now,
    freshMs: options.freshMs ?? 5000,
    execTimeoutMs: options.execTimeoutMs ?? 30_000,
  });
  return {
    server,
    source,
    context: context.name,
    namespace: context.namespace,
    proxyUrl,
    credentials: () => identity.credentials(),
    forget: () => identity.forget(),
  };
}

/** What we do better ourselves is taken from client-node's user: it never kills a plugin and keeps an old token. */
function ownPartOf(user: User): User {
  const { exec: _exec, ...rest } = user;
  return rest;
}

function findEntries(options: LoadOptions, env: NonNullable<LoadOptions["env"]>): { entries: Entries; source: string } {
  if (options.text !== undefined) return { entries: readText(options.text, "text", undefined), source: "text" };
  if (options.inClusterOnly && !options.kubeconfig) {
    if (env["KUBERNETES_SERVICE_HOST"]) return { entries: inCluster(options, env), source: "in-cluster" };
    const message = "--kubeconfig is not set, and this is no pod (KUBERNETES_SERVICE_HOST is not set)";
    throw new Failure("terminal", "KubeconfigMissing", message);
  }
  const explicit = options.kubeconfig || env["KUBECONFIG"];
  if (explicit) return { entries: readFiles(explicit), source: explicit };
  const home = env["HOME"] ? join(env["HOME"], ".kube", "config") : undefined;
  if (home !== undefined && existsSync(home)) return { entries: readFiles(home), source: home };
  if (env["KUBERNETES_SERVICE_HOST"]) return { entries: inCluster(options, env), source: "in-cluster" };
  throw new Failure(
    "terminal",
    "KubeconfigMissing",
    `no API server to talk to: neither --kubeconfig nor $KUBECONFIG is set, ${home ?? "~/.kube/config"} does not exist, and this is no pod (KUBERNETES_SERVICE_HOST is not set)`,
  );
}

function inCluster(options: LoadOptions, env: NonNullable<LoadOptions["env"]>): Entries {
  const folder = options.serviceAccountDir ?? "/var/run/secrets/kubernetes.io/serviceaccount";
  const name = "in-cluster";
  const host = env["KUBERNETES_SERVICE_HOST"] ?? "";
  const server = `https://${host.includes(":") ? `[${host}]` : host}:${env["KUBERNETES_SERVICE_PORT"] || "443"}`;
  const tokenFile = join(folder, "token");
  if (!existsSync(tokenFile)) {
    throw new Failure(
      "terminal",
      "KubeconfigMissing",
      `in-cluster: ${tokenFile} does not exist; is automountServiceAccountToken off?`,
    );
  }
  const namespaceFile = join(folder, "namespace");
  const namespace = existsSync(namespaceFile) ? readFileSync(namespaceFile, "utf8").trim() : undefined;
  const extras: UserExtras = { tokenFile, impersonation: {} };
  return {
    clusters: [{ name, server, caFile: join(folder, "ca.crt"), skipTLSVerify: false }],
    users: [{ name }],
    contexts: [{ name, cluster: name, user: name, ...(namespace ? { namespace } : {}) }],
    extras: new Map([[name, extras]]),
    currentContext: name,
  };
}

function serverUrl(text: string, wrong: (message: string) => Failure): URL {
  const url = URL.parse(text);
  if (url === null) throw wrong(`server ${JSON.stringify(text)} is not a URL`);
  const loopback = url.hostname === "localhost" || url.hostname === "[::1]" || url.hostname.startsWith("127.");
  if (url.protocol === "https:" || (url.protocol === "http:" && loopback)) return url;
  throw wrong(`server ${text} must be https (http is accepted on loopback only)`);
}
