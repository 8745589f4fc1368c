import { feature } from "../suite/case.ts";
import { map, widget } from "./objects.ts";

const table = { headers: { accept: "application/json;as=Table;v=v1;g=meta.k8s.io,application/json" } };
const partial = (kind: string) => ({ headers: { accept: `application/json;as=${kind};v=v1;g=meta.k8s.io` } });

/** Other shapes of an answer: tables for people, metadata alone. */
export const table_ = feature("table", {
  "a list of custom objects": async (c) => {
    await c.create("widgets", widget("a", { tags: ["x", "y"] }));
    await c.create("widgets", widget("b", { mode: "Fast" }));
    await c.patch("widgets", "b", "merge", { status: { ready: true } }, { subresource: "status" });
    await c.list("widgets", {}, table);
  },
  "one custom object": async (c) => {
    await c.create("widgets", widget("a"));
    await c.get("widgets", "a", table);
  },
  "custom objects without columns of their own": async (c) => {
    await c.create("gauges", { metadata: { name: "a" }, spec: {} });
    await c.list("gauges", {}, table);
  },
  "an empty list": async (c) => {
    await c.list("widgets", {}, table);
    await c.list("secrets", {}, table);
  },
  "ConfigMaps and Secrets": async (c) => {
    await c.create("configmaps", map("a", { k: "1", l: "2" }, { labels: { x: "y" } }));
    await c.list("configmaps", { labelSelector: "x=y" }, table);
    await c.create("secrets", { metadata: { name: "a" }, stringData: { k: "1" } });
    await c.list("secrets", {}, table);
  },
  "namespaces, accounts and leases": async (c) => {
    await c.get("namespaces", c.ns, table);
    await c.create("serviceaccounts", { metadata: { name: "a" } });
    await c.get("serviceaccounts", "a", table);
    await c.create("leases", { metadata: { name: "a" }, spec: { holderIdentity: "me" } });
    await c.list("leases", {}, table);
  },
  "volumes and claims": async (c) => {
    const name = `pv-${c.id}`;
    await c.create("volumes", volume(name));
    await c.until(c.path("volumes", name), ({ body }) => (body.status as { phase?: string }).phase === "Available");
    await c.get("volumes", name, table);
    await c.remove("volumes", name);
    await c.create("claims", {
      metadata: { name: "a" },
      spec: { accessModes: ["ReadWriteOnce"], storageClassName: "none", resources: { requests: { storage: "1Gi" } } },
    });
    await c.until(c.path("claims", "a"), ({ body }) => (body.metadata?.finalizers ?? []).length > 0);
    await c.get("claims", "a", table);
  },
  "roles and bindings": async (c) => {
    await c.create("roles", { metadata: { name: "a" }, rules: [] });
    await c.get("roles", "a", table);
    const roleRef = { apiGroup: "rbac.authorization.k8s.io", kind: "Role", name: "a" };
    const subjects = [{ kind: "User", name: "bob", apiGroup: "rbac.authorization.k8s.io" }];
    await c.create("rolebindings", { metadata: { name: "a" }, roleRef, subjects });
    await c.get("rolebindings", "a", table);
  },
  definitions: async (c) => {
    await c.get("crds", `widgets.${c.group}`, table);
  },
  "storage classes, drivers and nodes": async (c) => {
    const name = `sc-${c.id}`;
    await c.create("storageclasses", { metadata: { name }, provisioner: "x.example.com" });
    await c.get("storageclasses", name, table);
    await c.remove("storageclasses", name, undefined, { select: ({ kind }) => kind });
    await c.create("csidrivers", { metadata: { name }, spec: {} });
    await c.get("csidrivers", name, table);
    await c.remove("csidrivers", name, undefined, { select: ({ kind }) => kind });
  },
  "a refusal is no table": async (c) => {
    await c.get("widgets", "nothing", table);
    await c.create("widgets", widget("a", { size: 0 }), table);
  },
  "a creation as a table": async (c) => {
    await c.create("widgets", widget("a"), table);
  },
  "whole objects in the rows": async (c) => {
    await c.create("widgets", widget("a"));
    await c.list("widgets", { includeObject: "Object" }, table);
    await c.list("widgets", { includeObject: "None" }, table);
    await c.list("widgets", { includeObject: "Metadata" }, table);
    await c.list("widgets", { includeObject: "Some" }, table);
  },
  "a table in pages": async (c) => {
    for (const name of ["a", "b"]) await c.create("widgets", widget(name));
    const page = await c.list("widgets", { limit: 1 }, table);
    await c.list("widgets", { limit: 1, continue: page.body.metadata?.continue }, table);
  },
  "metadata alone": async (c) => {
    await c.create("widgets", widget("a"));
    await c.get("widgets", "a", partial("PartialObjectMetadata"));
    await c.list("widgets", {}, partial("PartialObjectMetadataList"));
    await c.list("secrets", {}, partial("PartialObjectMetadataList"));
  },
  "metadata of a list asked for in the singular": async (c) => {
    await c.list("widgets", {}, partial("PartialObjectMetadata"));
    await c.create("configmaps", map("a"));
    await c.get("configmaps", "a", partial("PartialObjectMetadataList"));
  },
});

/** A volume that nobody can claim. */
export function volume(name: string, spec: object = {}): object {
  return {
    metadata: { name },
    spec: {
      capacity: { storage: "1Gi" },
      accessModes: ["ReadWriteOnce"],
      // Claims of other cases must not find it.
      storageClassName: `class-of-${name}`,
      csi: { driver: "x.example.com", volumeHandle: "h" },
      ...spec,
    },
  };
}
