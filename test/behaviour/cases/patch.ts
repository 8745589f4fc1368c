import { feature } from "../suite/case.ts";
import type { Session } from "../suite/session.ts";
import { map, widget } from "./objects.ts";

/** A pod's lists have merge keys, which is what strategic merge patches are about. */
const pod = {
  metadata: { name: "a", labels: { x: "1", y: "2" } },
  spec: {
    containers: [
      { name: "one", image: "i:1", env: [{ name: "A", value: "1" }] },
      { name: "two", image: "i:2" },
    ],
    tolerations: [{ key: "k", operator: "Exists" }],
  },
};

const containers = { select: (body: object) => (body as { spec: { containers: unknown } }).spec.containers };
const meta = { select: (body: object) => (body as { metadata: unknown }).metadata };

async function withPod(c: Session): Promise<void> {
  await c.quietly("POST", c.path("pods"), c.typed("pods", pod));
}

async function withMap(c: Session): Promise<void> {
  await c.quietly(
    "POST",
    c.path("configmaps"),
    c.typed("configmaps", map("a", { k: "1", l: "2" }, { labels: { x: "1" } })),
  );
}

async function withWidget(c: Session): Promise<void> {
  const spec = { tags: ["a", "b"], ports: [{ name: "p" }], anything: { list: [1, 2, 3], deep: { er: null } } };
  await c.quietly("POST", c.path("widgets"), c.typed("widgets", widget("a", spec)));
}

const patchOf = (type: "json" | "merge" | "strategic", resource: "configmaps" | "widgets", ...bodies: unknown[]) => {
  return async (c: Session): Promise<void> => {
    await (resource === "configmaps" ? withMap(c) : withWidget(c));
    for (const body of bodies) await c.patch(resource, "a", type, body);
  };
};

/** JSON patches (RFC 6902). */
const json = {
  "json: add, replace, remove": patchOf(
    "json",
    "configmaps",
    [{ op: "add", path: "/data/m", value: "3" }],
    [{ op: "replace", path: "/data/k", value: "9" }],
    [{ op: "remove", path: "/data/l" }],
  ),
  "json: test that passes and test that fails": patchOf(
    "json",
    "configmaps",
    [
      { op: "test", path: "/data/k", value: "1" },
      { op: "replace", path: "/data/k", value: "2" },
    ],
    [
      { op: "test", path: "/data/k", value: "1" },
      { op: "replace", path: "/data/k", value: "3" },
    ],
  ),
  "json: test in a custom object": patchOf(
    "json",
    "widgets",
    [{ op: "test", path: "/spec/size", value: 1 }],
    [{ op: "test", path: "/spec/size", value: 2 }],
    [{ op: "test", path: "/spec/nothing", value: null }],
    [{ op: "test", path: "/spec/tags", value: ["a", "b"] }],
  ),
  "json: move and copy": patchOf(
    "json",
    "configmaps",
    [{ op: "move", from: "/data/k", path: "/data/n" }],
    [{ op: "copy", from: "/data/l", path: "/data/o" }],
    [{ op: "move", from: "/data/nothing", path: "/data/x" }],
  ),
  "json: elements of a list": patchOf(
    "json",
    "widgets",
    [{ op: "add", path: "/spec/tags/-", value: "c" }],
    [{ op: "remove", path: "/spec/tags/0" }],
    [{ op: "add", path: "/spec/tags/0", value: "z" }],
    [{ op: "remove", path: "/spec/tags/7" }],
    [{ op: "add", path: "/spec/tags/9", value: "q" }],
  ),
  "json: paths that lead nowhere": patchOf(
    "json",
    "configmaps",
    [{ op: "remove", path: "/data/nothing" }],
    [{ op: "replace", path: "/data/nothing", value: "x" }],
    [{ op: "add", path: "/nothing/at/all", value: "x" }],
  ),
  "json: escapes in paths": patchOf(
    "json",
    "configmaps",
    [{ op: "add", path: "/metadata/annotations", value: {} }],
    [{ op: "add", path: "/metadata/annotations/example.com~1a", value: "x" }],
    [{ op: "add", path: "/metadata/annotations/example.com~1b~0c", value: "x" }],
    [{ op: "remove", path: "/metadata/annotations/example.com~1a" }],
  ),
  "json: broken patches": patchOf(
    "json",
    "configmaps",
    { op: "add" },
    [{ op: "dance", path: "/data/k" }],
    [{ op: "add", path: "/data/k" }],
    [{ path: "/data/k", value: "x" }],
    "not json",
    [{ op: "remove" }],
  ),
  "json: an empty patch": patchOf("json", "configmaps", []),
  "json: the whole document": patchOf("json", "configmaps", [{ op: "replace", path: "", value: { data: {} } }]),
  "json: the result is validated": patchOf(
    "json",
    "widgets",
    [{ op: "replace", path: "/spec/size", value: 1000 }],
    [{ op: "replace", path: "/spec/size", value: "big" }],
    [{ op: "remove", path: "/spec/size" }],
  ),
  "json: a change of name": patchOf(
    "json",
    "configmaps",
    [{ op: "replace", path: "/metadata/name", value: "b" }],
    [{ op: "replace", path: "/metadata/namespace", value: "b" }],
    [{ op: "replace", path: "/kind", value: "Secret" }],
  ),
};

/** JSON merge patches (RFC 7386). */
const merge = {
  "merge: null removes": patchOf("merge", "configmaps", { data: { k: null, m: "3" } }, { data: null }),
  "merge: null in custom objects": patchOf(
    "merge",
    "widgets",
    { spec: { tags: null } },
    { spec: { mode: null } },
    { spec: { size: null } },
  ),
  "merge: lists are replaced": patchOf(
    "merge",
    "widgets",
    { spec: { tags: ["z"] } },
    { spec: { ports: [{ name: "q", port: 1 }] } },
  ),
  "merge: null inside what is added": patchOf("merge", "widgets", {
    spec: { anything: { fresh: { a: null, b: { c: null } } } },
  }),
  "merge: unknown fields of a built-in kind": patchOf("merge", "configmaps", { unknown: "x", data: { k: "2" } }),
  "merge: unknown fields of a custom kind": patchOf("merge", "widgets", { spec: { unknown: "x", size: 2 } }),
  "merge: broken patches": patchOf("merge", "configmaps", "not json", [], '"text"', "null"),
  "merge: wrong types": patchOf("merge", "configmaps", { data: { k: 1 } }, { data: "x" }, { metadata: "x" }),
  "merge: wrong types in a custom object": patchOf("merge", "widgets", { spec: "x" }, { spec: { flag: "x" } }),
  "merge: another kind or version": patchOf("merge", "configmaps", { kind: "Secret" }, { apiVersion: "v2" }),
  "merge: another kind of custom object": patchOf("merge", "widgets", { kind: "Gauge" }, { apiVersion: "v1" }),
  "merge: name and namespace": patchOf(
    "merge",
    "configmaps",
    { metadata: { name: "b" } },
    { metadata: { namespace: "b" } },
  ),
  "merge: an empty patch": patchOf("merge", "widgets", {}),
  "merge: what the server owns stays": patchOf("merge", "configmaps", {
    metadata: { creationTimestamp: "2020-01-01T00:00:00Z", generation: 7, selfLink: "/x" },
  }),
  "merge: labels one by one": patchOf(
    "merge",
    "configmaps",
    { metadata: { labels: { y: "2" } } },
    { metadata: { labels: { x: null } } },
    { metadata: { labels: null } },
  ),
  "merge: what does not exist": async (c: Session) => {
    await c.patch("configmaps", "nothing", "merge", { data: {} });
    await c.patch("widgets", "nothing", "merge", { spec: {} });
    await c.patch("widgets", "nothing", "json", []);
  },
};

/** Strategic merge patches: lists have keys, and directives. */
const strategic = {
  "strategic: lists merge by key": async (c: Session) => {
    await withPod(c);
    await c.patch("pods", "a", "strategic", { spec: { containers: [{ name: "one", image: "i:9" }] } }, containers);
  },
  "strategic: finalizers and owners merge": async (c: Session) => {
    await withMap(c);
    await c.patch("configmaps", "a", "strategic", { metadata: { finalizers: ["example.com/a"] } }, meta);
    await c.patch("configmaps", "a", "strategic", { metadata: { finalizers: ["example.com/b"] } }, meta);
    await c.patch(
      "configmaps",
      "a",
      "strategic",
      { metadata: { "$deleteFromPrimitiveList/finalizers": ["example.com/a"] } },
      meta,
    );
    await c.patch("configmaps", "a", "strategic", { metadata: { finalizers: null } }, meta);
  },
  "strategic: $patch delete and replace": async (c: Session) => {
    await withMap(c);
    await c.patch("configmaps", "a", "strategic", { metadata: { labels: { $patch: "replace", z: "9" } } });
    await c.patch("configmaps", "a", "strategic", { data: { $patch: "delete" } });
  },
  "strategic: $retainKeys": async (c: Session) => {
    await withMap(c);
    await c.patch("configmaps", "a", "strategic", { data: { $retainKeys: ["k"], k: "5" } });
  },
  "strategic: null removes": async (c: Session) => {
    await withMap(c);
    await c.patch("configmaps", "a", "strategic", { data: { k: null } });
    await c.patch("configmaps", "a", "strategic", { metadata: { labels: { x: null } } });
  },
  "strategic: conditions merge by type": async (c: Session) => {
    await withPod(c);
    const condition = (type: string, status: string) => ({ status: { conditions: [{ type, status }] } });
    const extras = {
      subresource: "status",
      select: (body: object) => (body as { status: { conditions: unknown } }).status.conditions,
    };
    await c.patch("pods", "a", "strategic", condition("A", "True"), extras);
    await c.patch("pods", "a", "strategic", condition("B", "True"), extras);
    await c.patch("pods", "a", "strategic", condition("A", "False"), extras);
    await c.patch("pods", "a", "strategic", { status: { conditions: [{ type: "A", $patch: "delete" }] } }, extras);
  },
  "strategic: secrets of a ServiceAccount": async (c: Session) => {
    await c.create("serviceaccounts", { metadata: { name: "a" }, secrets: [{ name: "one" }] });
    await c.patch("serviceaccounts", "a", "strategic", { secrets: [{ name: "two" }] });
    await c.patch("serviceaccounts", "a", "strategic", { secrets: [{ name: "one", $patch: "delete" }] });
    await c.patch("serviceaccounts", "a", "strategic", { imagePullSecrets: [{ name: "p" }] });
  },
  "strategic: rules of a Role are replaced": async (c: Session) => {
    const rule = (resource: string) => ({ apiGroups: [""], resources: [resource], verbs: ["get"] });
    await c.create("roles", { metadata: { name: "a" }, rules: [rule("pods")] });
    await c.patch("roles", "a", "strategic", { rules: [rule("secrets")] });
  },
  "strategic: a bad directive": async (c: Session) => {
    await withMap(c);
    await c.patch("configmaps", "a", "strategic", { data: { $patch: "dance" } });
    await c.patch("configmaps", "a", "strategic", "not json");
    await c.patch("configmaps", "a", "strategic", []);
  },
  "strategic: custom objects have none": async (c: Session) => {
    await withWidget(c);
    await c.patch("widgets", "a", "strategic", { spec: { size: 2 } });
    await c.patch(
      "crds",
      `widgets.${c.group}`,
      "strategic",
      { metadata: { labels: { a: "b" } } },
      { select: () => "a definition" },
    );
  },
};

/** Changes that say only what changes. */
export const patch = feature("patch", { ...json, ...merge, ...strategic });
