import { describe, expect, test } from "vitest";
import { applyDefaults } from "./defaulting.ts";
import { formatProblem } from "./formats.ts";
import { goRegex } from "./go-regex.ts";
import { evaluateJsonPath, parseJsonPath } from "./json-path.ts";
import { prune } from "./prune.ts";
import type { Schema } from "./schema.ts";
import { structuralErrors } from "./structural.ts";
import { validateSchema } from "./validate.ts";

const object = (properties: Record<string, Schema>, more: Schema = {}): Schema => ({
  type: "object",
  properties,
  ...more,
});
const text: Schema = { type: "string" };
const told = (schema: Schema, value: unknown): string[] =>
  validateSchema(schema, value as never, undefined).map(({ field, body }) => `${field}: ${body}`);

describe("validation", () => {
  test.each<[Schema, unknown, string]>([
    [{ type: "integer" }, "x", 'a: Invalid value: "string": a in body must be of type integer: "string"'],
    [{ type: "integer", minimum: 1 }, 0, "a: Invalid value: 0: a in body should be greater than or equal to 1"],
    [
      { type: "integer", maximum: 1, exclusiveMaximum: true },
      1,
      "a: Invalid value: 1: a in body should be less than 1",
    ],
    [{ ...text, maxLength: 2 }, "äöü", "a: Too long: may not be more than 2 bytes"],
    [{ ...text, pattern: "^x" }, "y", "a: Invalid value: \"y\": a in body should match '^x'"],
    [{ ...text, enum: ["x", "y"] }, "z", 'a: Unsupported value: "z": supported values: "x", "y"'],
    [{ type: "array", items: text, maxItems: 1 }, ["a", "b"], "a: Too many: 2: must have at most 1 item"],
    [{ type: "integer", multipleOf: 2 }, 3, "a: Invalid value: 3: a in body should be a multiple of 2"],
    [{ ...text, format: "byte" }, "", 'a: Invalid value: "": a in body must be of type byte: ""'],
    [
      { type: "integer", format: "int64" },
      2n ** 63n,
      'Invalid value: "": Checked value must be of type integer with format int64 in a',
    ],
  ])("%o with %o", (schema, value, expected) => {
    expect(told(object({ a: schema }), { a: value }).join("\n")).toContain(expected);
  });

  test.each<[Schema, unknown]>([
    [{ type: "integer" }, 1],
    [{ type: "integer", format: "int64" }, 2n ** 63n - 1n],
    [{ ...text, maxLength: 3 }, "äöü"],
    [{ ...text, nullable: true }, null],
    [{ "x-kubernetes-int-or-string": true, anyOf: [{ type: "integer" }, text] }, "50%"],
    [{ "x-kubernetes-preserve-unknown-fields": true }, { any: [1] }],
  ])("%o takes %o", (schema, value) => {
    expect(told(object({ a: schema }), { a: value })).toEqual([]);
  });

  test("what is required, deep inside", () => {
    const schema = object({ list: { type: "array", items: object({ name: text }, { required: ["name"] }) } });
    expect(told(schema, { list: [{ name: "a" }, {}] })).toEqual(["list[1].name: Required value"]);
  });

  test("what was wrong before and is untouched stays allowed", () => {
    const schema = object({ a: { ...text, maxLength: 1 }, b: text });
    expect(validateSchema(schema, { a: "long", b: "2" }, { a: "long", b: "1" })).toEqual([]);
    expect(validateSchema(schema, { a: "longer" }, { a: "long" })).not.toEqual([]);
  });
});

describe("pruning and defaults", () => {
  const schema = object({
    known: text,
    open: { type: "object", "x-kubernetes-preserve-unknown-fields": true, properties: { inner: object({ a: text }) } },
    map: { type: "object", additionalProperties: object({ a: { ...text, default: "d" } }) },
    nested: object({ depth: { type: "integer", default: 3 } }, { default: {} }),
  });

  test("unknown fields go, and are named; open parts keep theirs", () => {
    const value = { known: "x", odd: 1, open: { any: 1, inner: { a: "x", b: 2 } }, map: { k: { a: "x", b: 1 } } };
    const gone = prune(value as never, schema);
    expect(value).toEqual({ known: "x", open: { any: 1, inner: { a: "x" } }, map: { k: { a: "x" } } });
    expect(gone.toSorted()).toEqual(["map.k.b", "odd", "open.inner.b"]);
  });

  test("defaults fill what is missing, inside defaults too", () => {
    const value = { map: { k: {} } };
    applyDefaults(value, schema);
    expect(value).toEqual({ map: { k: { a: "d" } }, nested: { depth: 3 } });
  });
});

test("a schema that is not structural is told why", () => {
  const errors = structuralErrors(object({ a: { anyOf: [{ type: "string" }] }, b: { type: "array" } }), "s");
  expect(errors.map(({ field }) => field).sort()).toEqual([
    "s.properties[a].anyOf[0].type",
    "s.properties[a].type",
    "s.properties[b].items",
  ]);
});

describe("regular expressions of Go", () => {
  test.each([
    ["^[a-z\\-]+$", "a-b"],
    ["(?i)^ABC$", "abc"],
    ["^(?P<x>a)\\z", "a"],
    ["^[[:alpha:]_]+$", "a_B"],
    ['^\\"\\_$', '"_'],
  ])("%s matches %s", (pattern, value) => {
    expect(goRegex(pattern).test(value)).toBe(true);
  });

  test("errors are Go's", () => {
    expect(() => goRegex("(")).toThrow("error parsing regexp: missing closing ): `(`");
    expect(() => goRegex("*")).toThrow("error parsing regexp: missing argument to repetition operator: `*`");
  });
});

describe("JSON paths", () => {
  const value = { spec: { tags: ["x", "y"], list: [{ n: 1 }, { n: 2 }], "a.b": "dot" } };

  test.each<[string, unknown[]]>([
    [".spec.tags", [["x", "y"]]],
    [".spec.tags[1]", ["y"]],
    [".spec.list[*].n", [1, 2]],
    [".spec.none", []],
  ])("%s", (path, expected) => {
    const parts = parseJsonPath(path);
    expect(parts && evaluateJsonPath(parts, value)).toEqual(expected);
  });
});

test.each([
  ["date-time", "2020-01-01T00:00:00Z", "yesterday"],
  ["uuid", "6ba7b810-9dad-11d1-80b4-00c04fd430c8", "zz"],
  ["ipv4", "10.0.0.1", "10.0.0.256"],
  ["duration", "1h", "xx"],
])("format %s takes %s but not %s", (format, good, bad) => {
  expect(formatProblem(format, good)).toBe(false);
  expect(formatProblem(format, bad)).toBe(true);
});
