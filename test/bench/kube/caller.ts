/** Worker: reads one object again and again, in one of the ways to talk to an API server. */
import { readFileSync } from "node:fs";
import { Agent, request } from "node:https";
import { Socket } from "node:net";
import { CoreV1Api, KubeConfig } from "@kubernetes/client-node";
import { Namespace } from "../../../pkg/apis/core/index.ts";
import { createKubeClient, loadKubeConfig } from "../../../pkg/kube/client/index.ts";
import { silentLogger } from "../../../pkg/runtime/log/index.ts";
import { accessOf } from "../../support/access.ts";
import { answerJobs } from "../measure/worker.ts";

/** The ways that are compared. */
export type Way = "pkg/kube" | "node:https, keep-alive" | "client-node CoreV1Api";

export interface KubeJob {
  readonly way: Way;
  readonly kubeconfig: string;
  readonly requests: number;
  readonly parallel: number;
}

/** What one run took. */
export interface KubeRun {
  readonly elapsedMs: number;
  readonly latenciesMs: readonly number[];
  /** CPU of this process alone, user and kernel. */
  readonly cpuMs: number;
  readonly connections: number;
}

/** A way to read the namespace `default`, which every cluster has. */
interface Reader {
  read(): Promise<void>;
  close(): Promise<void>;
}

const opened: Record<Way, (kubeconfig: string) => Reader> = {
  "pkg/kube": (kubeconfig) => {
    const config = loadKubeConfig({ kubeconfig });
    const client = createKubeClient({ config, userAgent: "bench", log: silentLogger() });
    return {
      read: async () => named((await client.get(Namespace, { name: "default" })).metadata.name),
      close: () => client.close(),
    };
  },
  "node:https, keep-alive": (kubeconfig) => {
    const { url, ca, token } = accessOf(readFileSync(kubeconfig, "utf8"));
    const agent = new Agent({ keepAlive: true, ca });
    const headers = { authorization: `Bearer ${token}`, accept: "application/json" };
    return {
      read: () =>
        new Promise((resolve, reject) => {
          const sent = request(`${url}/api/v1/namespaces/default`, { agent, headers }, (response) => {
            const chunks: Buffer[] = [];
            response.on("data", (chunk: Buffer) => chunks.push(chunk));
            response.on("end", () => {
              const object = JSON.parse(Buffer.concat(chunks).toString("utf8")) as { metadata?: { name?: string } };
              resolve(named(object.metadata?.name));
            });
          });
          sent.on("error", reject).end();
        }),
      close: async () => agent.destroy(),
    };
  },
  "client-node CoreV1Api": (kubeconfig) => {
    const config = new KubeConfig();
    config.loadFromFile(kubeconfig);
    const api = config.makeApiClient(CoreV1Api);
    return {
      read: async () => named((await api.readNamespace({ name: "default" })).metadata?.name),
      close: async () => undefined,
    };
  },
};

function named(name: string | undefined): void {
  if (name !== "default") throw new Error(`read ${name} instead of the namespace default`);
}

/** Counts every TCP connection this process opens, whatever library opens it. */
function countConnections(): { readonly sofar: () => number } {
  let count = 0;
  const connect = Socket.prototype.connect as (...args: unknown[]) => Socket;
  Socket.prototype.connect = function counted(this: Socket, ...args: unknown[]) {
    count += 1;
    return connect.apply(this, args);
  } as typeof Socket.prototype.connect;
  return { sofar: () => count };
}

const connections = countConnections();

answerJobs(async ({ way, kubeconfig, requests, parallel }: KubeJob): Promise<KubeRun> => {
  const reader = opened[way](kubeconfig);
  const connectionsBefore = connections.sofar();
  const cpuBefore = process.cpuUsage();
  const startedMs = performance.now();
  const latenciesMs: number[] = [];
  let left = requests;
  const lane = async (): Promise<void> => {
    while (left > 0) {
      left -= 1;
      const sentMs = performance.now();
      await reader.read();
      latenciesMs.push(performance.now() - sentMs);
    }
  };
  await Promise.all(Array.from({ length: parallel }, lane));
  const elapsedMs = performance.now() - startedMs;
  const { user, system } = process.cpuUsage(cpuBefore);
  const count = connections.sofar() - connectionsBefore;
  await reader.close();
  return { elapsedMs, latenciesMs, cpuMs: (user + system) / 1000, connections: count };
});
