import { feature } from "../suite/case.ts";
import type { Session } from "../suite/session.ts";
import { map, uidOf, versionOf, widget, withMeta } from "./objects.ts";

const finalizer = "example.com/hold";
const held = { finalizers: [finalizer] };

function gone(c: Session, name: string): Promise<unknown> {
  return c.until(c.path("configmaps", name), ({ status }) => status === 404);
}

/** Finalizers, deletion in two steps, preconditions, and what hangs on what. */
export const deletion = feature("deletion", {
  "deleting answers a Status with the details": async (c) => {
    await c.create("configmaps", map("a"));
    await c.remove("configmaps", "a");
    await c.get("configmaps", "a");
  },
  "deleting a custom object answers a Status": async (c) => {
    await c.create("widgets", widget("a"));
    await c.remove("widgets", "a");
    await c.get("widgets", "a");
  },
  "deleting some kinds answers the object": async (c) => {
    await c.create("serviceaccounts", { metadata: { name: "a" } });
    await c.remove("serviceaccounts", "a");
    await c.create("claims", {
      metadata: { name: "a" },
      spec: { accessModes: ["ReadWriteOnce"], storageClassName: "", resources: { requests: { storage: "1Gi" } } },
    });
    await c.until(c.path("claims", "a"), ({ body }) => (body.status as { phase?: string })?.phase === "Pending");
  },
  "deleting what does not exist": async (c) => {
    await c.remove("configmaps", "a");
    await c.remove("widgets", "a");
  },
  "a finalizer holds an object": async (c) => {
    await c.create("configmaps", map("a", {}, held));
    await c.remove("configmaps", "a");
    await c.get("configmaps", "a");
    await c.patch("configmaps", "a", "merge", { metadata: { finalizers: null } });
    await c.get("configmaps", "a");
  },
  "a finalizer holds a custom object": async (c) => {
    await c.create("widgets", widget("a", {}, held));
    await c.remove("widgets", "a");
    await c.get("widgets", "a");
    await c.patch("widgets", "a", "json", [{ op: "remove", path: "/metadata/finalizers/0" }]);
    await c.get("widgets", "a");
  },
  "an update that removes the last finalizer ends the object": async (c) => {
    await c.create("widgets", widget("a", {}, held));
    await c.remove("widgets", "a");
    const { body } = await c.get("widgets", "a");
    await c.update("widgets", withMeta(body, { finalizers: [] }));
    await c.get("widgets", "a");
  },
  "deleting again changes nothing": async (c) => {
    await c.create("widgets", widget("a", {}, held));
    const first = await c.remove("widgets", "a");
    const second = await c.remove("widgets", "a");
    c.remark("same version", versionOf(first) === versionOf(second));
  },
  "no finalizer may join once deletion has begun": async (c) => {
    await c.create("configmaps", map("a", {}, held));
    await c.remove("configmaps", "a");
    await c.patch("configmaps", "a", "merge", { metadata: { finalizers: [finalizer, "example.com/late"] } });
  },
  "no finalizer may join a custom object once deletion has begun": async (c) => {
    await c.create("widgets", widget("a", {}, held));
    await c.remove("widgets", "a");
    await c.patch("widgets", "a", "merge", { metadata: { finalizers: [finalizer, "example.com/late"] } });
  },
  "one of two finalizers may go": async (c) => {
    await c.create("widgets", widget("a", {}, { finalizers: [finalizer, "example.com/more"] }));
    await c.remove("widgets", "a");
    await c.patch("widgets", "a", "merge", { metadata: { finalizers: [finalizer] } });
  },
  "a doomed object can still be changed": async (c) => {
    await c.create("widgets", widget("a", {}, held));
    await c.remove("widgets", "a");
    await c.patch("widgets", "a", "merge", { spec: { size: 2 } });
    await c.patch("widgets", "a", "merge", { status: { ready: true } }, { subresource: "status" });
  },
  "deletionTimestamp can not be set or taken back": async (c) => {
    const { body } = await c.create("configmaps", map("a", {}, held));
    await c.update("configmaps", withMeta(body, { deletionTimestamp: "2020-01-01T00:00:00Z" }));
    await c.remove("configmaps", "a");
    await c.patch("configmaps", "a", "merge", { metadata: { deletionTimestamp: null } });
    await c.create("configmaps", map("b", {}, { deletionTimestamp: "2020-01-01T00:00:00Z" }));
  },
  "deletion counts as a change of the generation": async (c) => {
    await c.create("widgets", widget("a", {}, held));
    await c.remove("widgets", "a");
    const { body } = await c.get("widgets", "a");
    c.remark("generation", body.metadata?.generation);
  },
  "removing the last finalizer of a living object keeps it": async (c) => {
    await c.create("widgets", widget("a", {}, held));
    await c.patch("widgets", "a", "merge", { metadata: { finalizers: [] } });
    await c.get("widgets", "a");
  },
  "creating in place of a doomed object": async (c) => {
    await c.create("configmaps", map("a", {}, held));
    await c.remove("configmaps", "a");
    await c.create("configmaps", map("a"));
  },
  "a wrong uid stops the deletion": async (c) => {
    await c.create("configmaps", map("a"));
    await c.remove("configmaps", "a", { preconditions: { uid: "11111111-2222-3333-4444-555555555555" } });
    await c.get("configmaps", "a");
  },
  "a wrong uid stops the deletion of a custom object": async (c) => {
    await c.create("widgets", widget("a"));
    await c.remove("widgets", "a", { preconditions: { uid: "11111111-2222-3333-4444-555555555555" } });
  },
  "an old version stops the deletion": async (c) => {
    const first = await c.create("configmaps", map("a"));
    await c.patch("configmaps", "a", "merge", { data: { k: "2" } });
    await c.remove("configmaps", "a", { preconditions: { resourceVersion: versionOf(first) } });
    await c.get("configmaps", "a");
  },
  "right preconditions let it pass": async (c) => {
    const first = await c.create("widgets", widget("a"));
    await c.remove("widgets", "a", { preconditions: { uid: uidOf(first), resourceVersion: versionOf(first) } });
    await c.get("widgets", "a");
  },
  "options of kind DeleteOptions": async (c) => {
    await c.create("configmaps", map("a"));
    await c.remove("configmaps", "a", { apiVersion: "v1", kind: "DeleteOptions", propagationPolicy: "Background" });
    await c.create("configmaps", map("b"));
    await c.remove("configmaps", "b", { apiVersion: "meta.k8s.io/v1", kind: "DeleteOptions" });
  },
  "options that contradict each other": async (c) => {
    await c.create("configmaps", map("a"));
    await c.remove("configmaps", "a", { propagationPolicy: "Orphan", orphanDependents: true });
    await c.remove("configmaps", "a", { propagationPolicy: "Sideways" });
    await c.remove("configmaps", "a", { gracePeriodSeconds: "soon" });
  },
  "options as query parameters": async (c) => {
    await c.create("configmaps", map("a"));
    await c.remove("configmaps", "a", undefined, { query: { propagationPolicy: "Sideways" } });
    await c.remove("configmaps", "a", undefined, { query: { propagationPolicy: "Background", gracePeriodSeconds: 0 } });
  },
  "a grace period means nothing to most kinds": async (c) => {
    await c.create("configmaps", map("a"));
    await c.remove("configmaps", "a", { gracePeriodSeconds: 30 });
    await c.get("configmaps", "a");
    await c.create("widgets", widget("a", {}, held));
    await c.remove("widgets", "a", { gracePeriodSeconds: 30 });
    await c.get("widgets", "a");
  },
  "a pod that runs nowhere is gone at once": async (c) => {
    await c.create(
      "pods",
      { metadata: { name: "a" }, spec: { containers: [{ name: "c", image: "i" }] } },
      { select: () => 0 },
    );
    await c.remove("pods", "a", undefined, { select: ({ kind }) => kind });
    await c.get("pods", "a");
  },
  "deleting a collection": async (c) => {
    for (const [name, label] of Object.entries({ a: "x", b: "x", c: "y" })) {
      await c.create("secrets", { metadata: { name, labels: { label } } });
    }
    await c.removeAll("secrets", { labelSelector: "label=x" });
    await c.list("secrets");
  },
  "deleting a collection of custom objects": async (c) => {
    for (const size of [1, 2]) await c.create("widgets", widget(`w${size}`, { size }));
    await c.create("widgets", widget("held", {}, held));
    await c.removeAll("widgets");
    await c.list("widgets");
  },
  "deleting an empty collection": async (c) => {
    await c.removeAll("widgets");
    await c.removeAll("secrets");
  },
  "deleting a collection as a trial": async (c) => {
    await c.create("secrets", { metadata: { name: "a" } });
    await c.removeAll("secrets", { dryRun: "All" });
    await c.list("secrets");
  },
  "collections of some kinds can not be deleted": async (c) => {
    await c.send("DELETE", "/api/v1/namespaces");
  },
});

/** The garbage collector. */
export const ownership = feature("ownership", {
  "what is owned goes with its owner": async (c) => {
    const owner = await c.create("configmaps", map("owner"));
    const reference = { apiVersion: "v1", kind: "ConfigMap", name: "owner", uid: uidOf(owner) };
    await c.create("configmaps", map("owned", {}, { ownerReferences: [reference] }));
    await c.remove("configmaps", "owner");
    await gone(c, "owned");
  },
  "a chain of owners goes together": async (c) => {
    let uid = uidOf(await c.create("configmaps", map("first")));
    for (const [owner, name] of [
      ["first", "second"],
      ["second", "third"],
    ] as const) {
      const reference = { apiVersion: "v1", kind: "ConfigMap", name: owner, uid };
      uid = uidOf(await c.create("configmaps", map(name, {}, { ownerReferences: [reference] })));
    }
    await c.remove("configmaps", "first");
    await gone(c, "third");
  },
  "what an owner that does not exist owns is collected": async (c) => {
    const uid = "11111111-2222-3333-4444-555555555555";
    const reference = { apiVersion: "v1", kind: "ConfigMap", name: "nobody", uid };
    await c.create("configmaps", map("owned", {}, { ownerReferences: [reference] }));
    await gone(c, "owned");
  },
  "what an owner of the same name and another uid owns is collected": async (c) => {
    await c.create("configmaps", map("owner"));
    const uid = "11111111-2222-3333-4444-555555555555";
    const reference = { apiVersion: "v1", kind: "ConfigMap", name: "owner", uid };
    await c.create("configmaps", map("owned", {}, { ownerReferences: [reference] }));
    await gone(c, "owned");
    await c.get("configmaps", "owner");
  },
  "one living owner is enough": async (c) => {
    const references = [];
    for (const name of ["one", "two"]) {
      const uid = uidOf(await c.create("configmaps", map(name)));
      references.push({ apiVersion: "v1", kind: "ConfigMap", name, uid });
    }
    await c.create("configmaps", map("owned", {}, { ownerReferences: references }));
    await c.remove("configmaps", "one");
    await c.until(
      c.path("configmaps", "owned"),
      ({ body }) => (body.metadata as { ownerReferences?: unknown[] })?.ownerReferences?.length === 1,
    );
    await c.remove("configmaps", "two");
    await gone(c, "owned");
  },
  "orphaning takes the reference away and leaves the object": async (c) => {
    const owner = await c.create("configmaps", map("owner"));
    const reference = { apiVersion: "v1", kind: "ConfigMap", name: "owner", uid: uidOf(owner) };
    await c.create("configmaps", map("owned", {}, { ownerReferences: [reference] }));
    await c.quietly("GET", c.path("configmaps", "owned"));
    const removed = await c.remove("configmaps", "owner", { propagationPolicy: "Orphan" });
    c.remark("finalizers", removed.body.metadata?.finalizers);
    await gone(c, "owner");
    await c.get("configmaps", "owned");
  },
  "foreground deletion waits for what blocks it": async (c) => {
    const owner = await c.create("configmaps", map("owner"));
    const reference = {
      apiVersion: "v1",
      kind: "ConfigMap",
      name: "owner",
      uid: uidOf(owner),
      blockOwnerDeletion: true,
    };
    await c.create("configmaps", map("owned", {}, { ...held, ownerReferences: [reference] }));
    await c.remove("configmaps", "owner", { propagationPolicy: "Foreground" });
    await c.until(c.path("configmaps", "owned"), ({ body }) => body.metadata?.deletionTimestamp !== undefined);
    await c.get("configmaps", "owner");
    await c.patch("configmaps", "owned", "merge", { metadata: { finalizers: null } });
    await gone(c, "owned");
    await gone(c, "owner");
  },
  "foreground deletion without dependents": async (c) => {
    await c.create("configmaps", map("owner"));
    await c.remove("configmaps", "owner", { propagationPolicy: "Foreground" });
    await gone(c, "owner");
  },
  "a cluster-wide owner": async (c) => {
    const name = `owner-${c.id}`;
    const owner = await c.create("clusterroles", { metadata: { name }, rules: [] });
    const reference = { apiVersion: "rbac.authorization.k8s.io/v1", kind: "ClusterRole", name, uid: uidOf(owner) };
    await c.create("configmaps", map("owned", {}, { ownerReferences: [reference] }));
    await c.remove("clusterroles", name);
    await gone(c, "owned");
  },
});
