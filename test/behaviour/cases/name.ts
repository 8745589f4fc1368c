import { feature } from "../suite/case.ts";
import { map, widget } from "./objects.ts";

/** What objects may be called, and names that the server makes. */
export const name = feature("name", {
  "upper case is refused": async (c) => {
    await c.create("configmaps", map("Upper"));
    await c.create("widgets", widget("Upper"));
  },
  "a name with a slash, dots or nothing in it": async (c) => {
    await c.create("configmaps", map("a/b"));
    await c.create("configmaps", map(".."));
    await c.create("configmaps", map("a%b"));
    await c.create("configmaps", map(""));
  },
  "a name that is too long": async (c) => {
    await c.create("configmaps", map("a".repeat(254)));
    await c.create("widgets", widget("a".repeat(254)));
    await c.create("configmaps", map("a".repeat(253)));
  },
  "no name at all": async (c) => {
    await c.create("configmaps", { metadata: {}, data: {} });
    await c.create("widgets", { metadata: {}, spec: { size: 1 } });
    await c.create("configmaps", { data: {} });
  },
  "a ServiceAccount may have dots": async (c) => {
    await c.create("serviceaccounts", { metadata: { name: "a.b" } });
    await c.create("serviceaccounts", { metadata: { name: "A" } });
  },
  "a namespace must be a label": async (c) => {
    await c.create("namespaces", { metadata: { name: "a.b" } });
    await c.create("namespaces", { metadata: { name: "a".repeat(64) } });
    await c.create("namespaces", { metadata: { name: "-a" } });
  },
  "a Role may be called anything that fits into a path": async (c) => {
    await c.create("roles", { metadata: { name: "system:A:b" }, rules: [] });
    await c.create("roles", { metadata: { name: "a/b" }, rules: [] });
    await c.create("roles", { metadata: { name: "a%b" }, rules: [] });
  },
  "a Secret, a Lease and a claim with bad names": async (c) => {
    await c.create("secrets", { metadata: { name: "a_b" } });
    await c.create("leases", { metadata: { name: "a_b" }, spec: {} });
    await c.create("claims", {
      metadata: { name: "a_b" },
      spec: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Gi" } } },
    });
  },
  "generateName adds five characters": async (c) => {
    await c.create("configmaps", { metadata: { generateName: "made-" } });
    await c.create("widgets", { metadata: { generateName: "made-" }, spec: { size: 1 } });
  },
  "a name wins over generateName": async (c) => {
    await c.create("configmaps", { metadata: { generateName: "made-", name: "chosen" } });
  },
  "generateName with a prefix that is no name": async (c) => {
    await c.create("configmaps", { metadata: { generateName: "Made_" } });
    await c.create("widgets", { metadata: { generateName: "Made_" }, spec: { size: 1 } });
  },
  "generateName is cut to fit": async (c) => {
    const { body } = await c.create(
      "secrets",
      { metadata: { generateName: "a".repeat(250) } },
      { select: ({ kind }) => kind },
    );
    c.remark("length", body.metadata?.name?.length);
  },
  "generated names differ": async (c) => {
    const one = await c.create("secrets", { metadata: { generateName: "made-" } });
    const two = await c.create("secrets", { metadata: { generateName: "made-" } });
    c.remark("differ", one.body.metadata?.name !== two.body.metadata?.name);
  },
  "bad label keys and values": async (c) => {
    await c.create("configmaps", map("a", {}, { labels: { "bad key": "x" } }));
    await c.create("configmaps", map("a", {}, { labels: { key: "bad value!" } }));
    await c.create("configmaps", map("a", {}, { labels: { key: "v".repeat(64) } }));
    await c.create("configmaps", map("a", {}, { labels: { "Upper.example.com/x": "v" } }));
    await c.create("widgets", widget("a", {}, { labels: { "a/b/c": "x" } }));
  },
  "labels must be strings": async (c) => {
    await c.create("configmaps", map("a", {}, { labels: { key: 1 } }));
    await c.create("widgets", widget("a", {}, { labels: { key: 1 } }));
  },
  "bad annotation keys": async (c) => {
    await c.create("configmaps", map("a", {}, { annotations: { "bad key": "x" } }));
    await c.create("widgets", widget("a", {}, { annotations: { "": "x" } }));
    await c.create("widgets", widget("a", {}, { annotations: { "/x": "x" } }));
  },
  "annotations that are too large together": async (c) => {
    const extras = { select: ({ status }: { status?: unknown }) => status };
    await c.create("configmaps", map("a", {}, { annotations: { a: "x".repeat(262144) } }), extras);
  },
  "annotation keys may be upper case": async (c) => {
    await c.create("configmaps", map("a", {}, { annotations: { "Example.com/Some-Key": "any text\n" } }));
  },
  "null labels are dropped": async (c) => {
    await c.create("configmaps", map("a", {}, { labels: null, annotations: null }));
    await c.create("widgets", widget("a", {}, { labels: null, finalizers: null }));
  },
  "bad finalizer names": async (c) => {
    await c.create("configmaps", map("a", {}, { finalizers: ["plain"] }));
    await c.create("configmaps", map("a", {}, { finalizers: ["bad name/x"] }));
    await c.create("widgets", widget("a", {}, { finalizers: ["plain"] }));
    await c.create("widgets", widget("b", {}, { finalizers: ["example.com/x y"] }));
  },
  "owner references must be complete": async (c) => {
    await c.create("configmaps", map("a", {}, { ownerReferences: [{ apiVersion: "v1", kind: "ConfigMap" }] }));
    await c.create("configmaps", map("a", {}, { ownerReferences: [{ apiVersion: "", kind: "", name: "", uid: "" }] }));
    await c.create("widgets", widget("a", {}, { ownerReferences: [{ kind: "ConfigMap", name: "x", uid: "y" }] }));
  },
  "only one owner may be the controller": async (c) => {
    const owner = (name: string) => ({ apiVersion: "v1", kind: "Pod", name, uid: name, controller: true });
    await c.create("configmaps", map("a", {}, { ownerReferences: [owner("x"), owner("y")] }));
  },
  "keys of a ConfigMap": async (c) => {
    await c.create("configmaps", map("a", { "bad key": "x" }));
    await c.create("configmaps", map("a", { "..": "x" }));
    await c.create("configmaps", { metadata: { name: "a" }, data: { k: "x" }, binaryData: { k: "eA==" } });
    await c.create("configmaps", { metadata: { name: "a" }, binaryData: { k: "eA==" } });
  },
});
