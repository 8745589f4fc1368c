import { randomBytes } from "node:crypto";
import { describe, expect, test } from "vitest";
import { ConfigMap, Event, Lease } from "../../../pkg/apis/core/index.ts";
import { requestToken, reviewAccess, reviewToken } from "../../../pkg/kube/authn/index.ts";
import { isAlreadyExists, isConflict, isNotFound } from "../../../pkg/kube/client/index.ts";
import { createElection } from "../../../pkg/kube/election/index.ts";
import { createRecorder } from "../../../pkg/kube/events/index.ts";
import { silentLogger } from "../../../pkg/runtime/log/index.ts";
import { eventually } from "../../support/eventually.ts";
import { ensure, makeIdentity } from "../../support/identity.ts";
import { Rig } from "./rig.ts";

const rig = Rig.use();
const caught = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => undefined,
    (thrown) => thrown,
  );

describe("objects", () => {
  test("are made, read, changed in all three ways, and deleted under a condition", async () => {
    const { admin, namespace } = rig;
    const ref = { name: "one", namespace };
    const made = await admin.create(ConfigMap, rig.configMap("one", { a: "1" }));
    expect(isAlreadyExists(await caught(admin.create(ConfigMap, rig.configMap("one"))))).toBe(true);
    await admin.patch(ConfigMap, ref, { type: "merge", body: { data: { b: "2" } } });
    await admin.patch(ConfigMap, ref, { type: "json", body: [{ op: "remove", path: "/data/a" }] });
    await admin.patch(ConfigMap, ref, { type: "strategic", body: { data: { c: "3" } } });
    const changed = await admin.get(ConfigMap, ref);
    expect(changed.data).toEqual({ b: "2", c: "3" });
    expect(isConflict(await caught(admin.update(ConfigMap, { ...made, data: {} })))).toBe(true);
    await admin.update(ConfigMap, { ...changed, data: { d: "4" } });
    const wrong = admin.delete(ConfigMap, ref, { preconditions: { uid: "00000000-0000-0000-0000-000000000000" } });
    expect(isConflict(await caught(wrong))).toBe(true);
    const { uid = "" } = made.metadata;
    await admin.delete(ConfigMap, ref, { preconditions: { uid } });
    expect(await admin.find(ConfigMap, ref)).toBeUndefined();
    expect(isNotFound(await caught(admin.get(ConfigMap, ref)))).toBe(true);
  });

  test("come in pages", async () => {
    const { admin, namespace } = rig;
    const names = Array.from({ length: 7 }, (_each, at) => `page-${at}`);
    for (const name of names) await admin.create(ConfigMap, rig.configMap(name, {}, { paged: "yes" }));
    const all = await admin.listAll(ConfigMap, { namespace, labelSelector: "paged=yes", limit: 3 });
    expect(all.items.map((each) => each.metadata.name)).toEqual(names);
    expect(all.items[0]).toMatchObject({ apiVersion: "v1", kind: "ConfigMap" });
    const page = await admin.list(ConfigMap, { namespace, labelSelector: "paged=yes", limit: 3 });
    expect(page.items).toHaveLength(3);
    expect(page.metadata.continue).toBeTruthy();
  });

  test("a refusal says why", async () => {
    const thrown = await caught(rig.admin.create(ConfigMap, rig.configMap("Not A Name")));
    expect(thrown).toMatchObject({ status: 422, reason: "Invalid", kind: "terminal" });
    expect((thrown as { details: { causes: unknown[] } }).details.causes[0]).toMatchObject({ field: "metadata.name" });
  });
});

describe("tokens and rights", () => {
  test("a token is good for its own audience only, and its user for what it was granted", async () => {
    const { admin, namespace } = rig;
    await makeIdentity(admin, { namespace, name: "robot" }, [
      { apiGroups: [""], resources: ["configmaps"], verbs: ["get"] },
    ]);
    const { token, expiresAt } = await requestToken(admin, {
      namespace,
      serviceAccount: "robot",
      audiences: ["backup"],
      expirationSeconds: 600,
    });
    expect(expiresAt.getTime()).toBeGreaterThan(Date.now());
    const verdict = await reviewToken(admin, { token, audiences: ["other", "backup"] });
    expect(verdict).toMatchObject({
      authenticated: true,
      user: { username: `system:serviceaccount:${namespace}:robot` },
      audiences: ["backup"],
    });
    expect(await reviewToken(admin, { token, audiences: ["other"] })).toMatchObject({ authenticated: false });
    expect(await reviewToken(admin, { token: "nonsense", audiences: ["backup"] })).toMatchObject({
      authenticated: false,
    });
    if (!verdict.authenticated) throw new Error("checked above");
    const ask = (verb: string) =>
      reviewAccess(admin, { user: verdict.user, resourceAttributes: { namespace, verb, resource: "configmaps" } });
    expect((await ask("get")).allowed).toBe(true);
    expect((await ask("delete")).allowed).toBe(false);
  });
});

describe("leader election", () => {
  const contender = (name: string, identity: string) =>
    createElection({
      client: rig.admin,
      name,
      namespace: rig.namespace,
      identity,
      leaseDurationMs: 2000,
      renewDeadlineMs: 1000,
      retryPeriodMs: 50,
      log: silentLogger(),
    });
  const until = (signal: AbortSignal): Promise<void> =>
    new Promise((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
  const leaseNamed = () => `lease-${randomBytes(4).toString("hex")}`;

  test("one leads; the lease is released on exit and the next takes over at once", async () => {
    const name = leaseNamed();
    const [a, b] = [contender(name, "a"), contender(name, "b")];
    const order: string[] = [];
    const lead = (who: string) => async (signal: AbortSignal) => {
      order.push(`${who} leads`);
      await until(signal);
      order.push(`${who} ends`);
    };
    const stop = new AbortController();
    const first = a.run(stop.signal, lead("a"));
    await eventually("a leads", () => expect(a.isLeader()).toBe(true));
    rig.run((signal) => b.run(signal, lead("b")));
    stop.abort();
    await first;
    await eventually("b leads", () => expect(b.isLeader()).toBe(true));
    expect(order).toEqual(["a leads", "a ends", "b leads"]);
    const lease = await rig.admin.get(Lease, { name, namespace: rig.namespace });
    expect(lease.spec).toMatchObject({ holderIdentity: "b", leaseDurationSeconds: 2, leaseTransitions: 1 });
    expect(lease.spec?.renewTime).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/);
  });

  test("a lease taken away ends the work with LeadershipLost", async () => {
    const name = leaseNamed();
    const election = contender(name, "a");
    let ended = false;
    const run = election.run(new AbortController().signal, async (signal) => {
      await until(signal);
      ended = true;
    });
    await eventually("it leads", () => expect(election.isLeader()).toBe(true));
    const body = { spec: { holderIdentity: "thief", leaseDurationSeconds: 60 } };
    await rig.admin.patch(Lease, { name, namespace: rig.namespace }, { type: "merge", body });
    await expect(run).rejects.toMatchObject({ reason: "LeadershipLost" });
    expect(ended).toBe(true);
    const lease = await rig.admin.get(Lease, { name, namespace: rig.namespace });
    expect(lease.spec?.holderIdentity).toBe("thief");
  });

  test("a lease whose holder is silent is taken over after its own duration", async () => {
    const name = leaseNamed();
    await ensure(rig.admin, Lease, {
      metadata: { name, namespace: rig.namespace },
      spec: {
        holderIdentity: "gone",
        leaseDurationSeconds: 1,
        acquireTime: "2020-01-01T00:00:00.000000Z",
        renewTime: "2020-01-01T00:00:00.000000Z",
        leaseTransitions: 4,
      },
    });
    const election = contender(name, "heir");
    rig.run((signal) => election.run(signal, until));
    await eventually("it leads", () => expect(election.isLeader()).toBe(true));
    const lease = await rig.admin.get(Lease, { name, namespace: rig.namespace });
    expect(lease.spec).toMatchObject({ holderIdentity: "heir", leaseTransitions: 5 });
  });
});

describe("events", () => {
  test("are counted when they repeat, as the original's are", async () => {
    const { admin, namespace } = rig;
    const object = await admin.create(ConfigMap, rig.configMap("told"));
    const recorder = createRecorder({ client: admin, component: "unit test.example.com", log: silentLogger() });
    recorder.event(object, "Normal", "Made", "it was made");
    recorder.event(object, "Normal", "Made", "it was made");
    recorder.event(object, "Warning", "Broken", "x".repeat(3000));
    await recorder.close();
    recorder.event(object, "Normal", "Late", "never written");
    const { items } = await admin.list(Event, { namespace, fieldSelector: "involvedObject.name=told" });
    const told = items.map(({ reason, type, count, message }) => [type, reason, count, message?.length]).sort();
    expect(told).toEqual([
      ["Normal", "Made", 2, 11],
      ["Warning", "Broken", 1, 1022],
    ]);
    expect(items[0]).toMatchObject({
      involvedObject: { apiVersion: "v1", kind: "ConfigMap", namespace, uid: object.metadata.uid },
      source: { component: "unit test.example.com" },
    });
    expect(items[0]?.metadata.name).toMatch(/^told\.[0-9a-f]+$/);
  });
});
