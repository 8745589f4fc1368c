import { describe, expect, it } from "vitest";
import { defineCrd } from "./define-crd.ts";
import { immutable, int64, integer, list, map, object, optional, text } from "./fields.ts";
import { InvalidObject, parse } from "./parse.ts";

const Thing = defineCrd({
  group: "g.io",
  kind: "Thing",
  plural: "things",
  scope: "Namespaced",
  version: "v1",
  versions: {
    v1: {
      served: true,
      storage: true,
      schema: object("A thing.", {
        spec: object("Spec.", {
          name: immutable(text("Name.", { minLength: 2 })),
          size: optional(int64("Size.")),
          count: optional(integer("Count.")),
          parts: optional(list("Parts.", object("Part.", { id: text("Id.") }))),
          labels: optional(map("Labels.")),
        }),
      }),
    },
  },
});

const named = (spec: unknown) => ({ metadata: { name: "a", namespace: "n" }, spec });

function problems(object: unknown): readonly { field: string; message: string }[] {
  try {
    parse(Thing, object);
  } catch (thrown) {
    if (thrown instanceof InvalidObject) return thrown.problems;
    throw thrown;
  }
  throw new Error("nothing was wrong");
}

describe("parse", () => {
  it("names the object and every wrong field", () => {
    const wrong = named({ name: "x", parts: [{ id: "1" }, {}], labels: { a: 1 } });
    expect(() => parse(Thing, wrong)).toThrow(
      'Thing "n/a" is invalid: ' +
        'spec.name: Invalid value: "x": spec.name in body should be at least 2 chars long; ' +
        "spec.parts[1].id: Required value; " +
        'spec.labels.a: Invalid value: "integer": spec.labels.a in body must be of type string: "integer"',
    );
  });

  it.each([[undefined], [null], [5], ["text"], [[]]])("refuses %j", (value) => {
    expect(problems(value)).toHaveLength(1);
  });

  it("does not take a rounded number for an int64", () => {
    expect(problems(named({ name: "xx", size: 2 ** 60 }))).toMatchObject([{ field: "spec.size" }]);
    expect(parse(Thing, named({ name: "xx", size: 2n ** 60n })).spec.size).toBe(2n ** 60n);
    expect(problems(named({ name: "xx", size: 2n ** 63n }))).toMatchObject([{ field: "spec.size" }]);
  });

  it("keeps a key that JavaScript objects have a special meaning for", () => {
    const object = JSON.parse('{"metadata":{},"spec":{"name":"xx","labels":{"constructor":"b"}}}');
    expect(parse(Thing, object).spec.labels).toEqual({ constructor: "b" });
  });

  it("asks transition rules only when there is an object before", () => {
    const before = parse(Thing, named({ name: "xx" }));
    const after = named({ name: "yy" });
    expect(parse(Thing, after).spec.name).toBe("yy");
    expect(() => parse(Thing, after, before)).toThrow("name is immutable");
  });

  it("leaves the given object as it was", () => {
    const given = Object.freeze({
      metadata: Object.freeze({ name: "a" }),
      spec: Object.freeze({ name: "xx", size: 5 }),
    });
    expect(parse(Thing, given).spec.size).toBe(5n);
    expect(given.spec.size).toBe(5);
  });
});
