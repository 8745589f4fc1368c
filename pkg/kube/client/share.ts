import type { Env } from "../../runtime/lifecycle/index.ts";
import { loadKubeConfig } from "../config/index.ts";
import type { KubeClient } from "./client.ts";
import { createKubeClient } from "./create.ts";

/** The flags that say how a program talks to the API server. */
export interface KubeFlags {
  /** Path of a file; empty: the service account of the pod. */
  readonly kubeconfig: string;
  /** Requests a second; 0 for no limit. */
  readonly kubeApiQps: number;
  /** Requests at once above that; 0 for the client's default. */
  readonly kubeApiBurst: number;
}

/** One client for all components of the process that use the same kubeconfig. Rejects for one that can not be used. */
export function shareKubeClient(env: Env, { kubeconfig, kubeApiQps, kubeApiBurst }: KubeFlags): Promise<KubeClient> {
  return env.share(`kube client ${kubeconfig}`, async () =>
    createKubeClient({
      config: await loadKubeConfig({ kubeconfig, inClusterOnly: true }),
      userAgent: `${env.program}/${env.version}`,
      qps: kubeApiQps > 0 ? kubeApiQps : undefined,
      burst: kubeApiBurst > 0 ? kubeApiBurst : undefined,
      log: env.log,
      metrics: env.metrics,
      clock: env.clock,
    }),
  );
}
