import { describe, expect, test } from "vitest";
import { GoTypes } from "../builtin/go-types.ts";
import { applyJsonPatch, readJsonPatch } from "./json-patch.ts";
import { mergePatch } from "./merge-patch.ts";
import { strategicPatch } from "./strategic-patch.ts";

const json = (document: object, ...operations: object[]) =>
  applyJsonPatch(document as never, readJsonPatch(operations as never));

describe("JSON patch", () => {
  test("adds, replaces, removes, moves and copies, lists by position", () => {
    const patched = json(
      { a: 1, list: ["x", "y"], "sl/ash": { "til~de": 1 } },
      { op: "add", path: "/list/1", value: "n" },
      { op: "add", path: "/list/-", value: "z" },
      { op: "replace", path: "/a", value: null },
      { op: "remove", path: "/sl~1ash/til~0de" },
      { op: "copy", from: "/list/0", path: "/b" },
      { op: "move", from: "/list/3", path: "/c" },
    );
    expect(patched).toEqual({ a: null, list: ["x", "n", "y"], "sl/ash": {}, b: "x", c: "z" });
  });

  test("is all or nothing, and leaves the document alone", () => {
    const document = { a: 1 };
    const failing = () => json(document, { op: "add", path: "/b", value: 2 }, { op: "test", path: "/a", value: 2 });
    expect(failing).toThrow("testing value /a failed: test failed");
    expect(document).toEqual({ a: 1 });
  });

  test.each([
    [{ op: "remove", path: "/none" }, /error in remove for path: '\/none'/],
    [{ op: "add", path: "/list/9", value: 1 }, /index 9.*invalid|Unable to access invalid index: 9/],
    [{ op: "fly", path: "/a" }, /Unexpected kind: fly/],
  ])("refuses %j", (operation, why) => {
    expect(() => json({ a: 1, list: [] }, operation)).toThrow(why);
  });

  test("a patch is a list of operations", () => {
    expect(() => readJsonPatch({} as never)).toThrow(/cannot unmarshal object into Go value/);
  });
});

describe("merge patch", () => {
  test("null removes, objects merge, lists are replaced", () => {
    const target = { a: { b: 1, c: 2 }, list: [1, 2], gone: 1 };
    expect(mergePatch(target, { a: { c: null, d: { e: null, f: 1 } }, list: [3], gone: null })).toEqual({
      a: { b: 1, d: { f: 1 } },
      list: [3],
    });
    expect(target).toEqual({ a: { b: 1, c: 2 }, list: [1, 2], gone: 1 });
  });

  test("does not touch prototypes", () => {
    const patched = mergePatch({}, JSON.parse('{"__proto__":{"polluted":true}}'));
    expect(Object.keys(patched as object)).toEqual(["__proto__"]);
    expect("polluted" in {}).toBe(false);
  });
});

describe("strategic merge patch", () => {
  const types = new GoTypes();
  const pod = {
    spec: {
      containers: [
        { name: "a", image: "1" },
        { name: "b", image: "2" },
      ],
    },
  };
  const patch = (change: object) => strategicPatch(types, "core.v1.Pod", pod, change as never);

  test("merges lists by their key", () => {
    const patched = patch({
      spec: {
        containers: [
          { name: "b", image: "3" },
          { name: "c", image: "4" },
        ],
      },
    });
    const names = (patched["spec"] as typeof pod.spec).containers.map(({ name, image }) => `${name}${image}`);
    expect(names.sort()).toEqual(["a1", "b3", "c4"]);
  });

  test("follows its directives", () => {
    expect(patch({ spec: { containers: [{ name: "a", $patch: "delete" }] } })).toEqual({
      spec: { containers: [{ name: "b", image: "2" }] },
    });
    expect(patch({ spec: { $patch: "replace", nodeName: "n" } })).toEqual({ spec: { nodeName: "n" } });
    expect(patch({ spec: { containers: [{ $patch: "replace" }, { name: "z" }] } })).toEqual({
      spec: { containers: [{ name: "z" }] },
    });
  });

  test("deletes from lists of plain values and merges into them", () => {
    const map = { metadata: { finalizers: ["x/a", "x/b"] } };
    const change = { metadata: { "$deleteFromPrimitiveList/finalizers": ["x/a"], finalizers: ["x/c"] } };
    const patched = strategicPatch(types, "core.v1.ConfigMap", map, change as never);
    expect(new Set((patched["metadata"] as typeof map.metadata).finalizers)).toEqual(new Set(["x/b", "x/c"]));
  });

  test("refuses a directive that nobody knows", () => {
    expect(() => patch({ spec: { $patch: "shuffle" } })).toThrow(/shuffle/);
  });
});
