import { describe, expect, it } from "vitest";
import * as z from "zod";
import { type CrdDefinition, defineCrd, inVersion } from "./define-crd.ts";
import { immutable, immutableOnce, int64, list, map, object, optional, preserveUnknown, text } from "./fields.ts";
import { manifestOf } from "./manifest.ts";
import { celName, exactlyOneOf } from "./rule.ts";

function define(schema: z.ZodObject, more: Partial<CrdDefinition> = {}) {
  const versions = { v1: { served: true, storage: true, schema } };
  return defineCrd({
    group: "g.io",
    kind: "Thing",
    plural: "things",
    scope: "Cluster",
    ...more,
    versions,
    version: "v1",
  });
}

function schemaOf(schema: z.ZodObject) {
  return manifestOf(define(schema)).spec.versions[0]?.schema.openAPIV3Schema;
}

describe("defineCrd", () => {
  it("names the kind", () => {
    const thing = define(object("A thing.", { a: int64("A."), b: list("B.", object("Item.", { c: int64("C.") })) }));
    expect(thing).toMatchObject({ group: "g.io", version: "v1", kind: "Thing", plural: "things", namespaced: false });
    expect(thing.int64).toEqual(["a", "b[].c"]);
    expect(manifestOf(thing)).toMatchObject({
      metadata: { name: "things.g.io" },
      spec: { names: { singular: "thing", listKind: "ThingList" }, scope: "Cluster" },
    });
  });

  it("wants exactly one stored version", () => {
    const schema = object("A thing.", {});
    const versions = { v1: { served: true, storage: false, schema } };
    const names = { group: "g.io", kind: "Thing", plural: "things", scope: "Cluster" } as const;
    expect(() => defineCrd({ ...names, versions, version: "v1" })).toThrow("Thing: exactly one version must be stored");
  });

  it("knows its versions", () => {
    const thing = define(object("A thing.", {}));
    expect(inVersion(thing, "v1").version).toBe("v1");
    expect(() => inVersion(thing, "v2")).toThrow("Thing has no version v2");
  });
});

describe("the schema", () => {
  it("says what must be there, and leaves metadata to the server", () => {
    expect(schemaOf(object("A thing.", { a: text("A."), b: optional(text("B.")) }))).toMatchObject({
      required: ["a"],
      properties: { metadata: { type: "object" } },
    });
    expect(schemaOf(object("A thing.", {}))).not.toHaveProperty("required");
  });

  it("puts the rules of immutable fields where CEL can judge them", () => {
    const schema = schemaOf(
      object("A thing.", { a: optional(immutableOnce(text("A."))), b: immutable(text("B.")) }, exactlyOneOf("a", "b")),
    );
    expect(schema?.["x-kubernetes-validations"]?.map((each) => each.rule)).toEqual([
      "!has(oldSelf.a) || has(self.a)",
      "(has(self.a) && !has(self.b)) || (!has(self.a) && has(self.b))",
    ]);
    expect(schema?.properties?.["a"]?.["x-kubernetes-validations"]).toEqual([
      { rule: "self == oldSelf", message: "a is immutable" },
    ]);
    expect(schema?.properties?.["b"]?.["x-kubernetes-validations"]).toHaveLength(1);
  });

  it("tells texts by name from objects of any form", () => {
    expect(schemaOf(object("A thing.", { a: map("A."), b: preserveUnknown("B.") }))?.properties).toMatchObject({
      a: { type: "object", additionalProperties: { type: "string" } },
      b: { type: "object", "x-kubernetes-preserve-unknown-fields": true },
    });
  });

  it.each([
    ["values of any type", z.unknown(), "a: not structural: the type is open"],
    [
      "alternatives",
      z.discriminatedUnion("k", [z.object({ k: z.literal("x") }), z.object({ k: z.literal("y") })]),
      "a: not structural: use optional fields and a rule",
    ],
  ])("refuses %s", (_, field, message) => {
    expect(() => schemaOf(object("A thing.", { a: field }))).toThrow(message);
  });
});

it.each([
  ["name", "name"],
  ["namespace", "__namespace__"],
  ["a-b", "a__dash__b"],
  ["a.b", "a__dot__b"],
  ["a__b", "a__underscores__b"],
])("CEL reaches the field %s as %s", (field, name) => expect(celName(field)).toBe(name));
