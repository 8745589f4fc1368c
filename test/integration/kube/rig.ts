import { randomBytes } from "node:crypto";
import { afterAll, afterEach, beforeAll } from "vitest";
import { ConfigMap, Namespace } from "../../../pkg/apis/core/index.ts";
import {
  createKubeClient,
  type KubeClient,
  type KubeClientOptions,
  loadKubeConfig,
} from "../../../pkg/kube/client/index.ts";
import { silentLogger } from "../../../pkg/runtime/log/index.ts";
import { type TestCluster, testCluster } from "../../support/cluster.ts";
import { FaultProxy, type FaultProxyOptions } from "../../support/fault-proxy.ts";

/** A cluster with a namespace of its own for one test file. */
export class Rig {
  readonly namespace = `kube-it-${randomBytes(4).toString("hex")}`;
  cluster!: TestCluster;
  admin!: KubeClient;
  readonly #cleanups: (() => unknown)[] = [];

  /** To be called in a test file: starts before its tests, cleans up after each and at the end. */
  static use(): Rig {
    const rig = new Rig();
    beforeAll(async () => {
      rig.cluster = await testCluster();
      rig.admin = clientOf(rig.cluster.kubeconfigText);
      await rig.admin.create(Namespace, { metadata: { name: rig.namespace } });
    });
    afterEach(() => rig.#cleanUp());
    afterAll(async () => {
      await rig.admin?.delete(Namespace, { name: rig.namespace });
      await rig.admin?.close();
      await rig.cluster?.close();
    });
    return rig;
  }

  /** Runs after the test, last first. */
  after(cleanup: () => unknown): void {
    this.#cleanups.push(cleanup);
  }

  client(kubeconfig: string, options: Partial<KubeClientOptions> = {}): KubeClient {
    const client = clientOf(kubeconfig, options);
    this.after(() => client.close());
    return client;
  }

  async proxy(options: FaultProxyOptions = {}): Promise<FaultProxy> {
    const proxy = await FaultProxy.start(this.cluster.kubeconfigText, options);
    this.after(() => proxy[Symbol.asyncDispose]());
    return proxy;
  }

  /** Starts something that runs until the test is over. */
  run(start: (signal: AbortSignal) => Promise<void>): void {
    const stop = new AbortController();
    const running = start(stop.signal);
    this.after(async () => {
      stop.abort();
      await running;
    });
  }

  configMap(name: string, data: Record<string, string> = {}, labels: Record<string, string> = {}): ConfigMap {
    return { metadata: { name, namespace: this.namespace, labels }, data };
  }

  async make(...names: string[]): Promise<void> {
    for (const name of names) await this.admin.create(ConfigMap, this.configMap(name));
  }

  async #cleanUp(): Promise<void> {
    for (const cleanup of this.#cleanups.splice(0).reverse()) await cleanup();
    const { items } = await this.admin.list(ConfigMap, { namespace: this.namespace });
    for (const { metadata } of items) {
      await this.admin.delete(ConfigMap, { name: metadata.name ?? "", namespace: this.namespace });
    }
  }
}

function clientOf(text: string, options: Partial<KubeClientOptions> = {}): KubeClient {
  const config = loadKubeConfig({ text, env: {} });
  return createKubeClient({ config, userAgent: "kube-it", log: silentLogger(), ...options });
}
