import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Kind, type KubeObject, stringifyJson } from "../../apis/schema/index.ts";
import { Failure } from "../../runtime/errors/index.ts";
import { ApiError } from "../client/index.ts";
import { patchStatus, type StatusWrite } from "./index.ts";
import { mergeDifference } from "./merge-difference.ts";

/** RFC 7386, as the server applies it. */
function applied(target: unknown, patch: unknown): unknown {
  if (typeof patch !== "object" || patch === null || Array.isArray(patch)) return patch;
  const isObject = typeof target === "object" && target !== null && !Array.isArray(target);
  const result: Record<string, unknown> = isObject ? { ...target } : {};
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) delete result[name];
    else result[name] = applied(result[name], value);
  }
  return result;
}

describe("mergeDifference", () => {
  const { tree } = fc.letrec((tie) => ({
    leaf: fc.oneof(fc.string({ maxLength: 2 }), fc.integer({ min: 0, max: 3 }), fc.boolean()),
    list: fc.array(fc.oneof(tie("leaf"), tie("tree")), { maxLength: 3 }),
    tree: fc.dictionary(
      fc.constantFrom("a", "b", "c"),
      fc.oneof({ maxDepth: 3 }, tie("leaf"), tie("list"), tie("tree")),
    ),
  }));

  it("turns one object into the other, and is nothing only when they are equal", () => {
    fc.assert(
      fc.property(tree, tree, (from, to) => {
        const patch = mergeDifference(from, to);
        expect(patch === undefined ? from : applied(from, patch)).toEqual(to);
        expect(patch === undefined).toBe(JSON.stringify(sorted(from)) === JSON.stringify(sorted(to)));
      }),
    );
  });

  it.each([
    ["the order of fields", { a: 1, b: 2 }, { b: 2, a: 1 }],
    ["absent and null", { a: 1 }, { a: 1, b: undefined, c: null }],
    ["bigint and number", { size: 5n, list: [1] }, { size: 5, list: [1n] }],
  ])("sees no difference in %s", (_, from, to) => expect(mergeDifference(from, to)).toBeUndefined());

  it.each([
    ["a text and a number", { a: "5" }, { a: 5 }, { a: 5 }],
    ["a field that is to go", { a: 1, b: { c: 1 } }, { b: {} }, { a: null, b: { c: null } }],
    ["a list", { a: [1, 2] }, { a: [2, 1] }, { a: [2, 1] }],
    ["a long number", { a: 9007199254740993n }, { a: 9007199254740992n }, { a: 9007199254740992n }],
    ["everything", { a: 1 }, undefined, null],
  ])("sees %s", (_, from, to, patch) => expect(mergeDifference(from, to)).toEqual(patch));
});

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null) return value;
  const fields = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(fields.map(([name, each]) => [name, sorted(each)]));
}

interface Thing extends KubeObject {
  status?: Record<string, unknown>;
}
const Thing: Kind<Thing> = { group: "x.io", version: "v1", kind: "Thing", plural: "things", namespaced: true };
const object: Thing = {
  metadata: { name: "a", namespace: "ns", uid: "u", resourceVersion: "7" },
  status: { ready: false, error: { message: "no" } },
};

/** Writes through a client that answers as told and remembers what it was asked. */
function aWrite(status: unknown, answer: () => Promise<never> | undefined = () => undefined) {
  const calls: unknown[] = [];
  const client = {
    patch: async (_kind: unknown, ref: unknown, patch: { type: string; body: unknown }, options: object) => {
      calls.push([ref, patch.type, JSON.parse(stringifyJson(patch.body)), options]);
      await answer();
      return { ...object, metadata: { ...object.metadata, resourceVersion: "8" } };
    },
  } as unknown as StatusWrite<Thing>["client"];
  return { calls, result: patchStatus({ client, kind: Thing, object, status }) };
}

describe("patchStatus", () => {
  it("writes nothing when nothing changes", async () => {
    const { calls, result } = aWrite({ error: { message: "no" }, ready: false });
    expect(await result).toBe(object);
    expect(calls).toEqual([]);
  });

  it("writes only the difference, guarded by what was read", async () => {
    const { calls, result } = aWrite({ ready: true });
    expect((await result).metadata.resourceVersion).toBe("8");
    expect(calls).toEqual([
      [
        { name: "a", namespace: "ns" },
        "merge",
        { metadata: { uid: "u", resourceVersion: "7" }, status: { ready: true, error: null } },
        { subresource: "status" },
      ],
    ]);
  });

  it("makes a conflict a reason to look again soon", async () => {
    const refusal = new ApiError({ status: 409, reason: "Conflict", message: "x", method: "PATCH", path: "/x" });
    const { result } = aWrite({ ready: true }, () => Promise.reject(refusal));
    const failure = await result.catch((thrown: unknown) => thrown);
    expect(failure).toBeInstanceOf(Failure);
    expect(failure).toMatchObject({ kind: "waiting", reason: "Conflict", recheckMs: 1000, cause: refusal });
    expect((failure as Failure).message).toContain("Thing a was changed meanwhile");
  });

  it("passes on every other refusal", async () => {
    const refusal = new ApiError({ status: 403, reason: "Forbidden", message: "no", method: "PATCH", path: "/x" });
    await expect(aWrite({ ready: true }, () => Promise.reject(refusal)).result).rejects.toBe(refusal);
  });
});
