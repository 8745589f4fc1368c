import { describe, expect, test } from "vitest";
import { ConfigMap, PersistentVolumeClaim } from "../../../pkg/apis/core/index.ts";
import { createController, done, fromInformer, type Reconciler } from "../../../pkg/kube/controller/index.ts";
import { createInformer } from "../../../pkg/kube/informer/index.ts";
import { type Condition, patchStatus, setCondition } from "../../../pkg/kube/status/index.ts";
import { Failure } from "../../../pkg/runtime/errors/index.ts";
import { silentLogger } from "../../../pkg/runtime/log/index.ts";
import { createRegistry } from "../../../pkg/runtime/metrics/index.ts";
import { eventually } from "../../support/eventually.ts";
import { Rig } from "./rig.ts";

const rig = Rig.use();
const log = silentLogger();
const fast = { minDelayMs: 20, maxDelayMs: 100 };

/** Runs a controller over the namespace's config maps of role `source`. */
function control(reconcile: (key: string, sources: ReturnType<typeof cache>) => ReturnType<Reconciler>) {
  const sources = cache();
  const metrics = createRegistry();
  const controller = createController({
    name: "copies",
    sources: [fromInformer(sources)],
    reconcile: (key) => reconcile(key, sources),
    log,
    metrics,
    ...fast,
  });
  rig.run((signal) => controller.run(signal));
  return { metrics };
}

const cache = () =>
  createInformer({
    client: rig.admin,
    kind: ConfigMap,
    namespace: rig.namespace,
    labelSelector: "role=source",
    log,
    minDelayMs: 5,
    maxDelayMs: 50,
  });

const source = (name: string, text: string): ConfigMap => rig.configMap(name, { text }, { role: "source" });
const copyOf = (name: string) => rig.admin.find(ConfigMap, { name: `${name}-copy`, namespace: rig.namespace });

/** Makes `<name>-copy` say what `<name>` says; fails as often as it is told before each write. */
function copying(faults: Failure[] = []): Parameters<typeof control>[0] {
  return async (key, sources) => {
    const { admin, namespace } = rig;
    const name = `${key.split("/")[1]}-copy`;
    const wanted = sources.getKey(key)?.data ?? {};
    const found = await admin.find(ConfigMap, { name, namespace });
    const fault = faults.shift();
    if (fault) throw fault;
    if (sources.getKey(key) === undefined) {
      if (found) await admin.delete(ConfigMap, { name, namespace });
    } else if (found === undefined) await admin.create(ConfigMap, rig.configMap(name, wanted));
    else if (found.data?.["text"] !== wanted["text"]) await admin.update(ConfigMap, { ...found, data: wanted });
    return done;
  };
}

describe("a controller on a server", () => {
  test("brings the world to what the objects say: those before its start, new, changed and deleted ones", async () => {
    const { admin, namespace } = rig;
    await admin.create(ConfigMap, source("early", "1"));
    const { metrics } = control(copying());
    await eventually("early is copied", async () => expect((await copyOf("early"))?.data).toEqual({ text: "1" }));
    const late = await admin.create(ConfigMap, source("late", "1"));
    await eventually("late is copied", async () => expect((await copyOf("late"))?.data).toEqual({ text: "1" }));
    await admin.update(ConfigMap, { ...late, data: { text: "2" } });
    await eventually("late is copied again", async () => expect((await copyOf("late"))?.data).toEqual({ text: "2" }));
    await admin.delete(ConfigMap, { name: "early", namespace });
    await eventually("the copy is gone", async () => expect(await copyOf("early")).toBeUndefined());
    expect(await metrics.metrics()).toMatch(/dp_reconciles_total\{controller="copies",result="done"\} [4-9]/);
  });

  test("gets there in spite of failures and lost races", async () => {
    const { metrics } = control(
      copying([
        new Failure("transient", "DriverGone", "x"),
        new Failure("waiting", "NotYet", "x", { recheckMs: 100 }),
        new Failure("waiting", "Conflict", "x", { recheckMs: 100 }),
      ]),
    );
    await rig.admin.create(ConfigMap, source("hard", "1"));
    await eventually("hard is copied", async () => expect((await copyOf("hard"))?.data).toEqual({ text: "1" }));
    const text = await metrics.metrics();
    for (const result of ["transient", "waiting", "conflict"]) {
      expect(text).toContain(`dp_reconciles_total{controller="copies",result="${result}"} 1`);
    }
  });

  test("follows a burst to its last state", async () => {
    const { admin, namespace } = rig;
    control(copying());
    await admin.create(ConfigMap, source("burst", "0"));
    for (let n = 1; n <= 30; n++) {
      await admin.patch(ConfigMap, { name: "burst", namespace }, { type: "merge", body: { data: { text: `${n}` } } });
    }
    await eventually("the last is copied", async () => expect((await copyOf("burst"))?.data).toEqual({ text: "30" }));
  });
});

describe("a status on a server", () => {
  const claim = (name: string): PersistentVolumeClaim =>
    ({
      metadata: { name, namespace: rig.namespace },
      spec: { accessModes: ["ReadWriteOnce"], storageClassName: "none", resources: { requests: { storage: "1Gi" } } },
    }) as PersistentVolumeClaim;
  const wish = { type: "Copied", status: "True", reason: "Fine", message: "all there" } as const;
  const at = Date.UTC(2030, 0, 1);
  /** The claim's status with the wish among its conditions. */
  const withWish = (object: PersistentVolumeClaim, wished: Parameters<typeof setCondition>[1] = wish) => {
    const { conditions } = (object.status ?? {}) as { conditions?: Condition[] };
    return { ...object.status, conditions: setCondition(conditions, wished, at) };
  };

  test("is written when it differs, and only then", async () => {
    const { admin: client } = rig;
    const object = await client.create(PersistentVolumeClaim, claim("written"));
    const kind = PersistentVolumeClaim;
    const written = await patchStatus({ client, kind, object, status: withWish(object) });
    expect(written.status).toMatchObject({
      phase: "Pending",
      conditions: [{ ...wish, lastTransitionTime: "2030-01-01T00:00:00Z" }],
    });
    const again = await patchStatus({ client, kind, object: written, status: withWish(written) });
    expect(again).toBe(written);
    const { metadata } = await client.get(kind, { name: "written", namespace: rig.namespace });
    expect(metadata.resourceVersion).toBe(written.metadata.resourceVersion);
  });

  test.each([
    ["changed", async (_: PersistentVolumeClaim) => undefined],
    [
      "made anew",
      async ({ metadata: { name = "", namespace } }: PersistentVolumeClaim) => {
        await rig.admin.delete(PersistentVolumeClaim, { name, namespace });
        await eventually("it is gone", async () => {
          const finalizers = { type: "merge", body: { metadata: { finalizers: null } } } as const;
          await rig.admin.patch(PersistentVolumeClaim, { name, namespace }, finalizers).catch(() => undefined);
          expect(await rig.admin.find(PersistentVolumeClaim, { name, namespace })).toBeUndefined();
        });
        await rig.admin.create(PersistentVolumeClaim, claim(name));
      },
    ],
  ])("of an object that was %s meanwhile is not written, and looked at again", async (how, meanwhile) => {
    const { admin: client, namespace } = rig;
    const kind = PersistentVolumeClaim;
    const name = `raced-${how.replace(" ", "-")}`;
    const object = await client.create(kind, claim(name));
    await client.patch(kind, { name, namespace }, { type: "merge", body: { metadata: { labels: { x: "y" } } } });
    await meanwhile(object);
    const failure = await patchStatus({ client, kind, object, status: withWish(object) }).catch((thrown) => thrown);
    expect(failure).toMatchObject({ name: "Failure", kind: "waiting", reason: "Conflict" });
    expect((await client.get(kind, { name, namespace })).status).not.toHaveProperty("conditions");
  });
});
