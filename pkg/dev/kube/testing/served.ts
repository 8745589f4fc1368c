import { onTestFinished } from "vitest";
import { createKubeClient, type KubeClient } from "../../../kube/client/index.ts";
import { loadKubeConfig } from "../../../kube/config/index.ts";
import { silentLogger } from "../../../runtime/log/index.ts";
import type { DevKube, DevKubeOptions } from "../dev-kube.ts";
import { startDevKube } from "../start.ts";

/** An answer, its JSON read. */
export interface Told {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of all shapes.
  readonly body: any;
}

/** A server and a way to talk to it, both over when the test is. */
export interface Served {
  readonly kube: DevKube;
  readonly client: KubeClient;
  send(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Told>;
  /** The same with a bearer token in place of the administrator's credentials. */
  as(token: string): Pick<Served, "send">;
}

/** Starts a server for one test. */
export async function served(options: DevKubeOptions = {}): Promise<Served> {
  const kube = await startDevKube({ namespaceGraceMs: 0, ...options });
  onTestFinished(() => kube.close());
  const client = clientOf(kube.kubeconfig);
  return {
    kube,
    client,
    send: sender(client),
    as: (token) => ({ send: sender(clientOf(withToken(kube.kubeconfig, token))) }),
  };
}

function clientOf(text: string): KubeClient {
  const config = loadKubeConfig({ text, freshMs: 0, env: {} });
  const client = createKubeClient({ config, userAgent: "unit/1", log: silentLogger(), qps: 1000, burst: 1000 });
  onTestFinished(() => client.close());
  return client;
}

/** The kubeconfig with another token, and without the client certificate. */
function withToken(kubeconfig: string, token: string): string {
  return kubeconfig.replace(/^\s*client-(certificate|key)-data:.*\n/gm, "").replace(/token: .*/, `token: ${token}`);
}

const sender =
  (client: KubeClient): Served["send"] =>
  async (method, path, body, headers) => {
    const [clean = "", search = ""] = path.split("?");
    const query = Object.fromEntries(new URLSearchParams(search));
    const answer = await client.raw({ method, path: clean, query, body, ...(headers ? { headers } : {}) });
    const text = answer.body.toString("utf8");
    return { status: answer.status, headers: answer.headers, body: text.startsWith("{") ? JSON.parse(text) : text };
  };
