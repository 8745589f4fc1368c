import { feature } from "../suite/case.ts";
import type { Session } from "../suite/session.ts";
import { widget } from "./objects.ts";

/** A story that creates a Widget with each of the specs; what is refused leaves nothing behind. */
function specs(...list: readonly object[]) {
  return async (c: Session): Promise<void> => {
    for (const [index, spec] of list.entries()) await c.create("widgets", widget(`w${index}`, spec));
  };
}

/** What the schema of a custom kind allows, adds and drops. */
export const schema = feature("schema", {
  "bounds of an integer": specs({ size: 0 }, { size: 101 }, { size: 1 }, { size: 100 }),
  types: specs(
    { size: "1" },
    { size: 1.5 },
    { flag: "true" },
    { label: 5 },
    { tags: "a" },
    { nested: [] },
    { ratio: "x" },
  ),
  "a whole number written as a fraction": async (c) => {
    const text = JSON.stringify(c.typed("widgets", widget("a"))).replace('"size":1', '"size":1.0');
    await c.send("POST", c.path("widgets"), text);
  },
  "an enumeration": specs({ mode: "fast" }, { mode: "" }, { mode: "Fast" }),
  "a pattern and lengths": specs(
    { label: "A" },
    { label: "a" },
    { label: "abcdefghi" },
    { label: "a1" },
    { label: "ok" },
  ),
  "lengths count characters, not bytes": specs({ tags: ["ääääää"] }, { tags: ["äääää"] }),
  "open bounds": specs({ ratio: 0 }, { ratio: 1 }, { ratio: 0.5 }, { ratio: -1 }),
  "formats of integers": specs({ small: 2147483648 }, { small: -2147483649 }, { small: 2147483647 }),
  "integers beyond 2^53": async (c) => {
    const text = JSON.stringify(c.typed("widgets", widget("a"))).replace(
      '"size":1',
      '"size":1,"large":9007199254740993',
    );
    const answer = await c.send("POST", c.path("widgets"), text, { select: ({ kind }) => kind });
    c.remark("status", answer.status);
  },
  "formats of strings": specs(
    { when: "yesterday" },
    { when: "2020-01-01T00:00:00Z" },
    { when: "2020-01-01T00:00:00.123456+02:00" },
    { day: "2020-13-01" },
    { day: "2020-12-01" },
    { data: "not base64!" },
    { data: "aGVsbG8=" },
    { id: "no uuid" },
    { id: "11111111-2222-4333-8444-555555555555" },
    { span: "long" },
    { span: "1h30m" },
  ),
  "a set": specs(
    { tags: ["a", "a"] },
    { tags: [] },
    { tags: ["a", "b", "c", "d"] },
    { tags: ["a", "b"] },
    { tags: ["toolong"] },
  ),
  "a list with keys": specs(
    { ports: [{ name: "a" }, { name: "a" }] },
    { ports: [{ port: 1 }] },
    { ports: [{ name: "a", protocol: "SCTP" }] },
    { ports: [{ name: "a" }, { name: "b", port: 9, protocol: "UDP" }] },
  ),
  "a map": specs(
    { limits: {} },
    { limits: { a: 1, b: "2", c: 3 } },
    { limits: { a: true } },
    { limits: { a: 1, b: "x" } },
  ),
  "a number or a string": specs({ target: 1 }, { target: "http" }, { target: true }, { target: 1.5 }, { target: {} }),
  "what is required": async (c) => {
    await c.create("widgets", { metadata: { name: "a" }, spec: {} });
    await c.create("widgets", { metadata: { name: "a" }, spec: { size: null } });
    await c.create("widgets", { metadata: { name: "a" } });
    await c.create("widgets", { metadata: { name: "a" }, spec: null });
  },
  "a spec that is no object": async (c) => {
    await c.create("widgets", { metadata: { name: "a" }, spec: "x" });
    await c.create("widgets", { metadata: { name: "a" }, spec: [] });
  },
  "one of, any of, not": specs(
    { choice: {} },
    { choice: { a: "x", b: "y" } },
    { choice: { a: "x" } },
    { either: {} },
    { either: { a: "x", b: "y" } },
    { neither: { a: "x", b: "y" } },
    { neither: { a: "x" } },
  ),
  "several problems at once": specs({ size: 0, mode: "x", label: "A", tags: ["a", "a"], ports: [{}] }),
  "problems deep inside": specs({ ports: [{ name: "a" }, { name: "b", port: "x" }] }, { nested: { depth: "x" } }),
  "null where it is allowed and where not": specs(
    { maybe: null },
    { label: null },
    { tags: null },
    { nested: null },
    { flag: null },
  ),
  "defaults: missing fields": specs({}),
  "defaults: in lists": specs({ ports: [{ name: "a" }] }),
  "defaults: inside an object that is there": specs(
    { deeper: {} },
    { nested: {} },
    { nested: { note: "x" } },
    { deeper: { note: "x" } },
  ),
  "defaults: in place of null": specs({ never: null }, { maybeFilled: null }, { mode: null }, { nested: null }),
  "defaults: values of one's own stay": specs({ mode: "Fast", flag: false, never: "", nested: { depth: 0 } }),
  "defaults: come back when a patch removes them": async (c) => {
    await c.create("widgets", widget("a", { mode: "Fast" }));
    await c.patch("widgets", "a", "merge", { spec: { mode: null } });
    await c.patch("widgets", "a", "json", [{ op: "remove", path: "/spec/nested" }]);
  },
  "pruning: unknown fields": async (c) => {
    await c.create("widgets", { ...widget("a", { unknown: 1, nested: { unknown: 2, note: "x" } }), extra: "x" });
    await c.get("widgets", "a");
  },
  "pruning: in lists and maps": specs({ ports: [{ name: "a", unknown: 1 }], limits: { any: 1 } }),
  "pruning: not where it is switched off": specs(
    { anything: { a: 1, b: { c: [null, 2] } } },
    { partly: { other: { x: 1 }, known: { a: "x", b: "y" } } },
  ),
  "pruning: status on creation": async (c) => {
    await c.create("widgets", { ...widget("a"), status: { ready: true, unknown: 1 } });
    await c.create("gauges", { metadata: { name: "a" }, spec: {}, status: { x: 1 } });
  },
  "pruning: on update and patch": async (c) => {
    const { body } = await c.create("widgets", widget("a"));
    await c.update("widgets", { ...body, spec: { size: 1, unknown: 1 } });
    await c.patch("widgets", "a", "merge", { spec: { unknown: 1 }, unknown: 2 });
  },
  "pruning: in metadata": async (c) => {
    await c.create("widgets", widget("a", {}, { unknown: "x", clusterName: "y" }));
  },
  "embedded resources": specs(
    { template: {} },
    { template: { apiVersion: "v1", kind: "Pod", metadata: { name: "x" }, spec: { any: 1 } } },
    { template: { apiVersion: "v1", kind: "Pod", metadata: { name: "x", unknown: "y" } } },
    { template: { apiVersion: "v1", kind: "Pod", metadata: { labels: { a: 1 } } } },
    { template: { apiVersion: "a/b/c", kind: "Pod" } },
  ),
  "a kind or version that is not the path's": async (c) => {
    await c.create("widgets", { kind: "Gauge", ...widget("a") });
    await c.create("widgets", { apiVersion: "v1", ...widget("a") });
    await c.send("POST", c.path("widgets"), widget("a"));
    await c.send("POST", c.path("configmaps"), { metadata: { name: "a" } });
    await c.create("configmaps", { kind: "Secret", metadata: { name: "a" } });
    await c.create("configmaps", { apiVersion: "v2", metadata: { name: "a" } });
  },
  "an update is validated as a whole": async (c) => {
    const { body } = await c.create("widgets", widget("a"));
    await c.update("widgets", { ...body, spec: { size: 1000 } });
    await c.update("widgets", { ...body, spec: undefined });
  },
  "conditions are a list with keys": async (c) => {
    await c.create("widgets", widget("a"));
    const condition = { type: "Ready", status: "True" };
    for (const conditions of [[condition, condition], [{ type: "Ready" }], [condition]]) {
      await c.patch("widgets", "a", "merge", { status: { conditions } }, { subresource: "status" });
    }
  },
  "status is validated": async (c) => {
    await c.create("widgets", widget("a"));
    await c.patch("widgets", "a", "merge", { status: { phase: "Nope" } }, { subresource: "status" });
    await c.patch("widgets", "a", "merge", { status: { observed: -1 } }, { subresource: "status" });
    await c.patch("widgets", "a", "merge", { status: { unknown: 1, phase: "Done" } }, { subresource: "status" });
  },
});
