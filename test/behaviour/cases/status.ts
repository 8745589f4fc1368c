import { feature } from "../suite/case.ts";
import { map, versionOf, widget, withMeta, withSpec } from "./objects.ts";

const status = { subresource: "status" };

/** The status subresource and the generation. */
export const statusAndGeneration = feature("status", {
  "a plain update does not touch the status": async (c) => {
    const { body } = await c.create("widgets", widget("a"));
    await c.update("widgets", { ...body, status: { ready: true } });
    await c.patch("widgets", "a", "merge", { status: { ready: true } });
    await c.patch("widgets", "a", "json", [{ op: "add", path: "/status", value: { ready: true } }]);
  },
  "a status update touches nothing else": async (c) => {
    const { body } = await c.create("widgets", widget("a", {}, { labels: { x: "1" } }));
    const changed = { ...withMeta(withSpec(body, { size: 9 }), { labels: { x: "2" } }), status: { ready: true } };
    await c.update("widgets", changed, status);
    await c.get("widgets", "a");
  },
  "a status update keeps finalizers and owners": async (c) => {
    const { body } = await c.create("widgets", widget("a"));
    await c.update(
      "widgets",
      { ...withMeta(body, { finalizers: ["example.com/x"] }), status: { ready: true } },
      status,
    );
  },
  "a status patch": async (c) => {
    await c.create("widgets", widget("a"));
    await c.patch("widgets", "a", "merge", { status: { ready: true }, spec: { size: 7 } }, status);
    await c.patch("widgets", "a", "json", [{ op: "replace", path: "/status/ready", value: false }], status);
    await c.patch("widgets", "a", "merge", { status: null }, status);
  },
  "reading the status": async (c) => {
    await c.create("widgets", widget("a"));
    await c.get("widgets", "a", status);
  },
  "a kind without a status subresource": async (c) => {
    await c.create("gauges", { metadata: { name: "a" }, spec: {} });
    await c.get("gauges", "a", status);
    await c.patch("gauges", "a", "merge", { status: {} }, status);
    await c.create("configmaps", map("a"));
    await c.get("configmaps", "a", status);
  },
  "the status subresource of what does not exist": async (c) => {
    await c.patch("widgets", "a", "merge", { status: {} }, status);
  },
  "the status can not be created or deleted": async (c) => {
    await c.create("widgets", widget("a"));
    await c.send("POST", c.path("widgets", "a", status), {});
    await c.send("DELETE", c.path("widgets", "a", status));
  },
  "an invalid spec is no matter to the status": async (c) => {
    const { body } = await c.create("widgets", widget("a"));
    await c.update("widgets", { ...withSpec(body, { size: 1000 }), status: { ready: true } }, status);
  },
  "the generation counts changes of the spec": async (c) => {
    await c.create("widgets", widget("a"));
    await c.patch("widgets", "a", "merge", { spec: { size: 2 } });
    await c.patch("widgets", "a", "merge", { metadata: { labels: { x: "1" } } });
    await c.patch("widgets", "a", "merge", { status: { ready: true } }, status);
    await c.patch("widgets", "a", "merge", { spec: { size: 2 } });
  },
  "the generation can not be set": async (c) => {
    const { body } = await c.create("widgets", widget("a", {}, { generation: 7 }));
    await c.update("widgets", withMeta(withSpec(body, { size: 2 }), { generation: 9 }));
  },
  "without a status subresource the status counts": async (c) => {
    await c.create("gauges", { metadata: { name: "a" }, spec: {} });
    await c.patch("gauges", "a", "merge", { spec: { min: 1 } });
    await c.patch("gauges", "a", "merge", { metadata: { labels: { x: "1" } } });
  },
  "some built-in kinds have no generation": async (c) => {
    await c.create("configmaps", map("a"));
    await c.patch("configmaps", "a", "merge", { data: { k: "2" } });
    await c.create("leases", { metadata: { name: "a" }, spec: { holderIdentity: "x" } });
  },
  "the status of a claim": async (c) => {
    await c.create("claims", {
      metadata: { name: "a" },
      spec: { accessModes: ["ReadWriteOnce"], storageClassName: "none", resources: { requests: { storage: "1Gi" } } },
    });
    await c.until(c.path("claims", "a"), ({ body }) => (body.metadata?.finalizers ?? []).length > 0);
    await c.patch("claims", "a", "merge", { status: { phase: "Bound" }, spec: { volumeName: "x" } }, status);
  },
  "the status of a namespace": async (c) => {
    await c.get("namespaces", c.ns, status);
    await c.patch("namespaces", c.ns, "merge", { metadata: { annotations: { a: "b" } } }, status);
  },
  "the version moves with the status": async (c) => {
    const one = await c.create("widgets", widget("a"));
    const two = await c.patch("widgets", "a", "merge", { status: { ready: true } }, status);
    const three = await c.patch("widgets", "a", "merge", { status: { ready: true } }, status);
    c.remark("moved", versionOf(one) !== versionOf(two));
    c.remark("stayed", versionOf(two) === versionOf(three));
  },
});
