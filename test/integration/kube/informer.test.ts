import { describe, expect, test } from "vitest";
import { ClusterRoleBinding, ConfigMap } from "../../../pkg/apis/core/index.ts";
import type { Kind } from "../../../pkg/apis/schema/index.ts";
import { createCaches, createInformer, createReader } from "../../../pkg/kube/informer/index.ts";
import { silentLogger } from "../../../pkg/runtime/log/index.ts";
import { createRegistry } from "../../../pkg/runtime/metrics/index.ts";
import { eventually } from "../../support/eventually.ts";
import { kubeconfigOf, makeIdentity } from "../../support/identity.ts";
import { Rig } from "./rig.ts";

const rig = Rig.use();
const fast = { minDelayMs: 5, maxDelayMs: 50, recheckMs: 50, log: silentLogger() };
const byColour = (object: ConfigMap): string[] => (object.data?.["colour"] ? [object.data["colour"]] : []);
const names = (objects: readonly ConfigMap[]): (string | undefined)[] =>
  objects.map((each) => each.metadata.name).sort();
const own = { labelSelector: "test=informer" };
const labels = { test: "informer" };

async function synced(options: object = {}) {
  const { admin: client, namespace } = rig;
  const informer = createInformer({ client, kind: ConfigMap, namespace, ...own, ...fast, ...options });
  rig.run((signal) => informer.run(signal));
  expect(await informer.settled()).toBe("synced");
  return informer;
}

async function as(name: string, verbs: readonly string[]) {
  const rules = verbs.length > 0 ? [{ apiGroups: [""], resources: ["configmaps"], verbs }] : [];
  const who = await makeIdentity(rig.admin, { namespace: rig.namespace, name }, rules);
  return rig.client(await kubeconfigOf(rig.admin, who, rig.cluster.kubeconfigText));
}

describe("contents", () => {
  test("lists in pages, trims, and answers by key, namespace and index", async () => {
    const { admin, namespace } = rig;
    for (const [name, colour] of [
      ["a", "red"],
      ["b", "blue"],
      ["c", "red"],
    ] as const) {
      await admin.create(ConfigMap, rig.configMap(name, { colour, big: "x" }, labels));
    }
    const informer = await synced({
      pageSize: 1,
      indexes: { colour: byColour },
      transform: ({ data: { colour = "" } = {}, ...rest }: ConfigMap): ConfigMap => ({ ...rest, data: { colour } }),
    });
    expect(names(informer.list())).toEqual(["a", "b", "c"]);
    expect(informer.get({ name: "a", namespace })?.data).toEqual({ colour: "red" });
    expect(informer.get({ name: "a", namespace })?.metadata.managedFields).toBeUndefined();
    expect(names(informer.byIndex("colour", "red"))).toEqual(["a", "c"]);
    await admin.patch(ConfigMap, { name: "a", namespace }, { type: "merge", body: { data: { colour: "blue" } } });
    await eventually("the index follows", () => expect(names(informer.byIndex("colour", "blue"))).toEqual(["a", "b"]));
    await admin.delete(ConfigMap, { name: "b", namespace });
    await eventually("the index forgets", () => expect(names(informer.byIndex("colour", "blue"))).toEqual(["a"]));
  });

  test("who comes late is told what is there; who leaves is told no more", async () => {
    await rig.admin.create(ConfigMap, rig.configMap("a", {}, labels));
    const informer = await synced();
    const early: string[] = [];
    const late: string[] = [];
    const leave = informer.onChange(({ type, key }) => early.push(`${type} ${key}`));
    informer.onChange(() => {
      throw new Error("a listener's own fault");
    });
    leave();
    informer.onChange(({ type, key }) => late.push(`${type} ${key}`));
    await rig.admin.create(ConfigMap, rig.configMap("b", {}, labels));
    await eventually("b is told", () => expect(late).toContain(`add ${rig.namespace}/b`));
    expect(late[0]).toBe(`add ${rig.namespace}/a`);
    expect(early).toEqual([`add ${rig.namespace}/a`]);
  });

  test("owners share one watch, which ends with the last of them", async () => {
    const { admin: client, namespace } = rig;
    const metrics = createRegistry();
    const caches = createCaches({ client, log: silentLogger(), metrics });
    const first = caches.informer(ConfigMap, { namespace, ...own });
    const second = caches.informer(ConfigMap, { namespace, ...own, indexes: { colour: byColour } });
    expect(second).toBe(first);
    expect(caches.informer(ConfigMap, { namespace })).not.toBe(first);
    const stops = [new AbortController(), new AbortController()];
    const running = stops.map((stop) => first.run(stop.signal));
    await first.settled();
    stops[0]?.abort();
    await running[0];
    expect(first.hasSynced()).toBe(true);
    expect(first.byIndex("colour", "red")).toEqual([]);
    const text = await metrics.metrics();
    expect(text).toContain(`dp_kube_cache_lists_total{resource="configmaps"} 1`);
    expect(text).toMatch(/dp_kube_cache_staleness_seconds\{resource="configmaps"\} 0\.\d+/);
    stops[1]?.abort();
    await running[1];
    expect(first.state()).toBe("idle");
    rig.run((signal) => first.run(signal));
    expect(await first.settled()).toBe("synced");
  });
});

describe("rights and kinds that are missing", () => {
  test.each([
    ["nothing at all", []],
    ["list but not watch", ["list", "get"]],
  ])("with %s the cache says forbidden, and works once the right is given", async (_what, verbs) => {
    const account = `no-watch-${verbs.length}`;
    const client = await as(account, verbs);
    await rig.admin.create(ConfigMap, rig.configMap("a", {}, labels));
    const informer = createInformer({ client, kind: ConfigMap, namespace: rig.namespace, ...own, ...fast });
    rig.run((signal) => informer.run(signal));
    await eventually("forbidden", () => expect(informer.state()).toBe("forbidden"));
    expect(informer.hasSynced()).toBe(false);
    await grant(account, ["get", "list", "watch"]);
    await eventually("listed", () => expect(names(informer.list())).toEqual(["a"]));
    await rig.admin.create(ConfigMap, rig.configMap("b", {}, labels));
    await eventually("synced", () => expect(informer.hasSynced()).toBe(true));
    await eventually("b is there", () => expect(names(informer.list())).toEqual(["a", "b"]));
  });

  test("a reader answers live where the cache may not watch", async () => {
    const client = await as("live", ["get", "list"]);
    const { namespace } = rig;
    await rig.admin.create(ConfigMap, rig.configMap("a", { colour: "red" }, labels));
    const caches = createCaches({ client, log: silentLogger() });
    const reader = caches.reader(ConfigMap, { namespace, ...own, indexes: { colour: byColour } });
    rig.run((signal) => caches.informer(ConfigMap, { namespace, ...own }).run(signal));
    await eventually("forbidden", () =>
      expect(caches.informer(ConfigMap, { namespace, ...own }).state()).toBe("forbidden"),
    );
    expect((await reader.find({ name: "a", namespace }))?.data).toEqual({ colour: "red" });
    expect(await reader.find({ name: "none", namespace })).toBeUndefined();
    expect(names(await reader.list())).toEqual(["a"]);
    expect(names(await reader.byIndex("colour", "red"))).toEqual(["a"]);
    expect(await reader.byIndex("colour", "blue")).toEqual([]);
  });

  test("a reader looks live for what the cache does not have yet", async () => {
    const informer = createInformer({ client: rig.admin, kind: ConfigMap, namespace: rig.namespace, ...own, ...fast });
    const reader = createReader({ client: rig.admin, informer });
    await rig.admin.create(ConfigMap, rig.configMap("a", {}, labels));
    expect((await reader.find({ name: "a", namespace: rig.namespace }))?.metadata.name).toBe("a");
  });

  test("a kind that is not served is absent, not an error", async () => {
    const kind: Kind<ConfigMap> = { ...ConfigMap, group: "none.example.com", plural: "nothings" };
    const informer = createInformer({ client: rig.admin, kind, ...fast });
    rig.run((signal) => informer.run(signal));
    expect(await informer.settled()).toBe("absent");
    const reader = createReader({ client: rig.admin, informer });
    expect(await reader.find({ name: "a", namespace: rig.namespace })).toBeUndefined();
  });
});

async function grant(account: string, verbs: readonly string[]): Promise<void> {
  await makeIdentity(rig.admin, { namespace: rig.namespace, name: `${account}-more` }, [
    { apiGroups: [""], resources: ["configmaps"], verbs },
  ]);

  await rig.admin.create(ClusterRoleBinding, {
    metadata: { name: `${rig.namespace}-${account}-more-too` },
    subjects: [{ kind: "ServiceAccount", namespace: rig.namespace, name: account }],
    roleRef: {
      apiGroup: "rbac.authorization.k8s.io",
      kind: "ClusterRole",
      name: `${rig.namespace}-${account}-more`,
    },
  });
}
