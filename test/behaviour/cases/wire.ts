import { feature } from "../suite/case.ts";
import { map, widget } from "./objects.ts";

const type = (contentType: string) => ({ headers: { "content-type": contentType } });
const accept = (value: string) => ({ headers: { accept: value } });

/** What goes wrong before anybody looks at the object. */
export const wire = feature("wire", {
  "a body that is no JSON": async (c) => {
    await c.send("POST", c.path("configmaps"), "not json");
    await c.send("POST", c.path("widgets"), "not json");
    await c.send("POST", c.path("configmaps"), `{"apiVersion":"v1","kind":"ConfigMap"`);
    await c.send("POST", c.path("widgets"), `{"apiVersion":`);
  },
  "no body": async (c) => {
    await c.send("POST", c.path("configmaps"), "");
    await c.send("POST", c.path("widgets"), "");
    await c.create("configmaps", map("a"));
    await c.send("PUT", c.path("configmaps", "a"), "");
  },
  "a body that is a list or a string": async (c) => {
    await c.send("POST", c.path("configmaps"), "[]");
    await c.send("POST", c.path("widgets"), "[]");
    await c.send("POST", c.path("configmaps"), `"text"`);
  },
  "a wrong type in a built-in kind": async (c) => {
    await c.create("configmaps", map("a", { k: 1 }));
    await c.create("configmaps", map("a", [] as object));
    await c.create("secrets", { metadata: { name: "a" }, data: { k: "not base64!" } });
    await c.create("leases", { metadata: { name: "a" }, spec: { leaseDurationSeconds: "long" } });
    await c.create("leases", { metadata: { name: "a" }, spec: { renewTime: "yesterday" } });
  },
  "YAML is taken as well": async (c) => {
    const text = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\ndata:\n  k: '1'\n";
    await c.send("POST", c.path("configmaps"), text, type("application/yaml"));
  },
  "a content type that nobody knows": async (c) => {
    await c.send("POST", c.path("configmaps"), "x", type("text/plain"));
    await c.send("POST", c.path("widgets"), "x", type("text/plain"));
    await c.send("PUT", c.path("widgets", "a"), "x", type("application/xml"));
  },
  "a content type with parameters": async (c) => {
    await c.create("configmaps", map("a"), type("application/json; charset=utf-8"));
    await c.create("widgets", widget("a"), type("application/json;charset=UTF-8"));
  },
  "a patch type that nobody knows": async (c) => {
    await c.create("configmaps", map("a"));
    await c.create("widgets", widget("a"));
    await c.send("PATCH", c.path("configmaps", "a"), {}, type("application/json"));
    await c.send("PATCH", c.path("widgets", "a"), {}, type("application/json"));
    await c.send("PATCH", c.path("widgets", "a"), "x", type("text/plain"));
  },
  "an answer that nobody can give": async (c) => {
    await c.create("configmaps", map("a"));
    await c.get("configmaps", "a", accept("text/html"));
    await c.get("widgets", "a", accept("text/html"));
    await c.get("configmaps", "a", accept("application/json;as=Pie;v=v1;g=meta.k8s.io"));
    await c.get("configmaps", "a", accept("text/html, application/json"));
    await c.get("configmaps", "a", accept("*/*"));
  },
  "a method that is not allowed": async (c) => {
    await c.create("configmaps", map("a"));
    await c.send("POST", c.path("configmaps", "a"), map("a"));
    await c.send("PUT", c.path("configmaps"), map("a"));
    await c.send("PATCH", c.path("configmaps"), {}, type("application/merge-patch+json"));
    await c.send("POST", c.path("widgets", "a"), widget("a"));
    await c.send("PUT", c.path("widgets"), widget("a"));
    await c.send("PATCH", c.path("widgets"), {}, type("application/merge-patch+json"));
  },
  "reviews can only be created": async (c) => {
    await c.send("GET", c.path("tokenreviews"));
    await c.send("GET", c.path("ownreviews", "a"));
    await c.send("DELETE", c.path("accessreviews"));
  },
  "paths that lead nowhere": async (c) => {
    for (const path of ["/nothing", "/api/v1/nothing", "/api/v2", "/apis/nothing.example.com/v1", "/apis/apps/v9/x"]) {
      await c.send("GET", path);
    }
  },
  "paths of custom kinds that lead nowhere": async (c) => {
    await c.send("GET", `/apis/${c.group}/v1/nothings`);
    await c.send("GET", `/apis/${c.group}/v9/widgets`);
    await c.send("GET", `/apis/${c.group}/v1/namespaces/${c.ns}/gadgets`);
    await c.send("GET", `/apis/${c.group}/v1/namespaces/${c.ns}/widgets/a/nothing`);
    await c.send("GET", `/apis/${c.group}/v1beta1/gadgets`);
  },
  "a namespaced kind without a namespace": async (c) => {
    await c.send("POST", "/api/v1/configmaps", c.typed("configmaps", map("a")));
    await c.send("POST", c.path("widgets", undefined, { namespace: undefined }), c.typed("widgets", widget("a")));
    await c.send("GET", c.path("configmaps", "a", { namespace: undefined }));
  },
  "a namespace for a kind that has none": async (c) => {
    await c.send("GET", `/api/v1/namespaces/${c.ns}/nodes`);
    await c.send("GET", `/apis/storage.k8s.io/v1/namespaces/${c.ns}/storageclasses`);
  },
  "creating in a namespace that does not exist": async (c) => {
    const nowhere = { namespace: `no-${c.id}` };
    await c.create("configmaps", map("a"), nowhere);
    await c.create("widgets", widget("a"), nowhere);
    await c.update("configmaps", map("a"), nowhere);
  },
  "a body that is too large": async (c) => {
    const answer = await c.create("configmaps", map("a", { k: "x".repeat(4 * 1024 * 1024) }));
    c.remark("status", answer.status);
  },
  "a ConfigMap and a Secret that are too large": async (c) => {
    await c.create("configmaps", map("a", { k: "x".repeat(1024 * 1024 + 1) }));
    await c.create("secrets", { metadata: { name: "a" }, stringData: { k: "x".repeat(1024 * 1024 + 1) } });
  },
  "unknown query parameters": async (c) => {
    await c.create("configmaps", map("a"), { query: { unknown: "x" } });
    await c.get("configmaps", "a", { query: { unknown: "x" } });
    await c.list("secrets", { unknown: "x", pretty: "false" });
  },
  "query parameters of the wrong type": async (c) => {
    await c.list("secrets", { watch: "maybe", timeoutSeconds: "1" });
    await c.list("secrets", { timeoutSeconds: "long" });
    await c.list("widgets", { allowWatchBookmarks: "perhaps", limit: "1" });
    await c.remove("configmaps", "a", undefined, { query: { gracePeriodSeconds: "long" } });
  },
  "HEAD and OPTIONS": async (c) => {
    await c.send("OPTIONS", c.path("configmaps"));
  },
  "a slash at the end": async (c) => {
    await c.create("configmaps", map("a"));
    await c.send("GET", `${c.path("configmaps", "a")}/`, undefined, { select: () => "an answer" });
  },
  health: async (c) => {
    await c.send("GET", "/healthz");
    await c.send("GET", "/readyz");
    await c.send("GET", "/livez");
  },
});
