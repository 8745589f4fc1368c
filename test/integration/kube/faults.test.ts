import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { ConfigMap } from "../../../pkg/apis/core/index.ts";
import { createKubeClient, loadKubeConfig } from "../../../pkg/kube/client/index.ts";
import { createInformer, type Informer } from "../../../pkg/kube/informer/index.ts";
import { silentLogger } from "../../../pkg/runtime/log/index.ts";
import { eventually } from "../../support/eventually.ts";
import type { FaultProxy, ProxiedRequest } from "../../support/fault-proxy.ts";
import { Rig } from "./rig.ts";

const rig = Rig.use();
const fast = { minDelayMs: 5, maxDelayMs: 50, recheckMs: 50 };
const isWatch = ({ query }: ProxiedRequest): boolean => query.get("watch") === "true";
const isList = ({ method, query }: ProxiedRequest): boolean => method === "GET" && query.get("watch") === null;

/** A synced cache of the namespace's config maps behind a proxy, with every change it told. */
async function watchThrough(proxy: FaultProxy, options: { pingIdleMs?: number; pingTimeoutMs?: number } = {}) {
  const client = rig.client(proxy.kubeconfig(), options);
  const informer = createInformer({
    client,
    kind: ConfigMap,
    namespace: rig.namespace,
    fieldSelector: "metadata.name!=kube-root-ca.crt",
    log: silentLogger(),
    ...fast,
  });
  const changes: string[] = [];
  informer.onChange(({ type, object }) => changes.push(`${type} ${object.metadata.name}`));
  rig.run((signal) => informer.run(signal));
  expect(await informer.settled()).toBe("synced");
  await eventually("the watch is open", () => expect(proxy.seen.some(isWatch)).toBe(true));
  return { client, informer, changes };
}

const holds = (informer: Informer<ConfigMap>, ...names: string[]): Promise<void> =>
  eventually(`the cache holds ${names}`, () =>
    expect(
      informer
        .list()
        .map((each) => each.metadata.name)
        .sort(),
    ).toEqual(names),
  );

describe("a watch cache", () => {
  test("resumes a cut connection where it stood: nothing lost, nothing listed again", async () => {
    const proxy = await rig.proxy();
    const { informer, changes } = await watchThrough(proxy);
    await rig.make("a");
    await holds(informer, "a");
    for (const name of ["b", "c", "d"]) {
      proxy.cut();
      await rig.make(name);
      await eventually(`${name} is there`, () => expect(informer.getKey(`${rig.namespace}/${name}`)).toBeDefined());
    }
    expect(changes).toEqual(["add a", "add b", "add c", "add d"]);
    expect(proxy.seen.filter(isList)).toHaveLength(1);
    const resumed = proxy.seen.filter(isWatch).at(-1);
    expect(resumed?.query.get("resourceVersion")).not.toBe(proxy.seen.find(isWatch)?.query.get("resourceVersion"));
  });

  test.each(["stream", "connection"] as const)(
    "throws half an event away and gets it whole (%s broken)",
    async (by) => {
      const proxy = await rig.proxy();
      let watches = 0;
      proxy.fault = (request) =>
        isWatch(request) && ++watches === 2 ? { type: "truncate", afterBytes: 120, by } : undefined;
      const { informer, changes } = await watchThrough(proxy);
      proxy.cut();
      await eventually("the second watch is open", () => expect(watches).toBe(2));
      await rig.make("half");
      await holds(informer, "half");
      await eventually("a third watch was needed", () => expect(watches).toBeGreaterThanOrEqual(3));
      expect(changes).toEqual(["add half"]);
      expect(proxy.seen.filter(isList)).toHaveLength(1);
    },
  );

  test.each([
    ["a refusal", { type: "answer" as const, status: 410, body: gone() }],
    ["an event", { type: "answer" as const, status: 200, body: { type: "ERROR", object: gone() } }],
  ])("lists again when its version is too old (410 as %s), and tells only what changed", async (_how, answer) => {
    const proxy = await rig.proxy();
    await rig.make("stays", "goes");
    const { informer, changes } = await watchThrough(proxy);
    await holds(informer, "goes", "stays");
    proxy.fault = (request) => (isWatch(request) ? { type: "hang" } : undefined);
    proxy.cut();
    await eventually("the next watch hangs", () => expect(proxy.seen.filter(isWatch)).toHaveLength(2));
    await rig.admin.delete(ConfigMap, { name: "goes", namespace: rig.namespace });
    await rig.make("new");
    expect(changes.splice(0).sort()).toEqual(["add goes", "add stays"]);
    let told = false;
    proxy.fault = (request) => {
      if (told || !isWatch(request)) return undefined;
      told = true;
      return answer;
    };
    proxy.cut();
    await holds(informer, "new", "stays");
    await rig.make("newer");
    await holds(informer, "new", "newer", "stays");
    expect(changes).toEqual(["delete goes", "add new", "add newer"]);
    expect(proxy.seen.filter(isList)).toHaveLength(2);
  });

  test("the server's own 410 after compaction leads to a list", async ({ skip }) => {
    const inside = rig.cluster.inside;
    if (inside === undefined) return skip("the cluster is not ours to compact");
    const proxy = await rig.proxy();
    const { informer } = await watchThrough(proxy);
    let open = false;
    proxy.fault = (request) => (isWatch(request) && !open ? { type: "answer", status: 503 } : undefined);
    proxy.cut();
    await rig.make("one", "two");
    await inside.compact();
    open = true;
    await holds(informer, "one", "two");
    return undefined;
  });

  test("keeps what it knows through a list that fails, and waits as long as 429 asks", async () => {
    const proxy = await rig.proxy();
    await rig.make("a");
    const { informer } = await watchThrough(proxy);
    await holds(informer, "a");
    let refusals = 0;
    proxy.fault = (request) => {
      if (isWatch(request) && refusals === 0) return { type: "answer", status: 410, body: gone() };
      if (isList(request) && refusals < 3) {
        refusals++;
        return { type: "answer", status: 429, body: status(429, "TooManyRequests"), headers: { "retry-after": "0" } };
      }
      return undefined;
    };
    proxy.cut();
    await eventually("the list was refused", () => expect(refusals).toBe(3));
    await rig.make("b");
    await holds(informer, "a", "b");
  });

  test("finds a stalled connection by a ping and goes on with another", async () => {
    const proxy = await rig.proxy();
    const { informer } = await watchThrough(proxy, { pingIdleMs: 40, pingTimeoutMs: 80 });
    proxy.stall();
    await rig.make("behind");
    await holds(informer, "behind");
    expect(proxy.connections).toBe(2);
  });

  test("works over HTTP/1.1, cut or not", async () => {
    const proxy = await rig.proxy({ http1Only: true });
    const { informer } = await watchThrough(proxy);
    await rig.make("a");
    await holds(informer, "a");
    proxy.cut();
    await rig.make("b");
    await holds(informer, "a", "b");
    expect(proxy.seen.filter(isList)).toHaveLength(1);
  });
});

describe("credentials", () => {
  async function files() {
    const folder = await mkdtemp(join(tmpdir(), "kube-it-"));
    rig.after(() => rm(folder, { recursive: true }));
    return { token: join(folder, "token"), ca: join(folder, "ca.crt") };
  }
  async function made() {
    await rig.make("here");
    return { name: "here", namespace: rig.namespace };
  }

  test("a rotated token is read from its file as soon as the old one is refused", async () => {
    const proxy = await rig.proxy();
    const ref = await made();
    const { token } = await files();
    await writeFile(token, `${proxy.adminToken}\n`);
    const refused = new Set<string>();
    proxy.fault = ({ authorization }) =>
      refused.has(authorization) ? { type: "answer", status: 401, body: status(401, "Unauthorized") } : undefined;
    // What the file holds first is a token that the server stops liking; then comes the good one.
    await writeFile(token, "old-token\n");
    refused.add("Bearer old-token");
    const config = loadKubeConfig({ text: proxy.kubeconfig({ tokenFile: token }), freshMs: 3_600_000, env: {} });
    const client = createKubeClient({ config, userAgent: "kube-it", log: silentLogger() });
    rig.after(() => client.close());
    await expect(client.get(ConfigMap, ref)).rejects.toMatchObject({ status: 401, reason: "Unauthorized" });
    await writeFile(token, `${proxy.adminToken}\n`);
    expect((await client.get(ConfigMap, ref)).metadata.name).toBe("here");
    expect(proxy.connections).toBe(1);
  });

  test("a rotated authority is read from its file when the server's certificate no longer fits", async () => {
    const proxy = await rig.proxy();
    const ref = await made();
    const { ca } = await files();
    await writeFile(ca, proxy.caPem);
    const text = proxy.kubeconfig(undefined, { "certificate-authority": ca });
    const config = loadKubeConfig({ text, freshMs: 3_600_000, env: {} });
    const client = createKubeClient({ config, userAgent: "kube-it", log: silentLogger() });
    rig.after(() => client.close());
    await client.get(ConfigMap, ref);
    await proxy.rotateAuthority();
    proxy.cut();
    await expect(client.get(ConfigMap, ref)).rejects.toMatchObject({ reason: "ApiServerUnreachable" });
    await writeFile(ca, proxy.caPem);
    expect((await client.get(ConfigMap, ref)).metadata.name).toBe("here");
  });
});

describe("requests", () => {
  test("a write that is never answered ends with its deadline", async () => {
    const proxy = await rig.proxy();
    proxy.fault = () => ({ type: "hang" });
    const client = rig.client(proxy.kubeconfig());
    const written = client.create(ConfigMap, rig.configMap("never"), { timeoutMs: 50 });
    await expect(written).rejects.toMatchObject({ reason: "ApiServerTimeout" });
  });

  test("a cut list is read again", async () => {
    const proxy = await rig.proxy();
    await rig.make("a");
    let cuts = 0;
    proxy.fault = () => (cuts++ === 0 ? { type: "truncate", afterBytes: 10, by: "connection" } : undefined);
    const client = rig.client(proxy.kubeconfig());
    const { items } = await client.listAll(ConfigMap, { namespace: rig.namespace });
    expect(items.map((each) => each.metadata.name)).toContain("a");
    expect(cuts).toBe(2);
  });
});

function status(code: number, reason: string): object {
  return { apiVersion: "v1", kind: "Status", status: "Failure", code, reason, message: `planted ${reason}` };
}

function gone(): object {
  return status(410, "Expired");
}
