import { describe, expect, it } from "vitest";
import { diffTranscripts } from "./diff.ts";
import { normalise } from "./normalise.ts";
import type { Entry } from "./transcript.ts";

const names = { run: "runrunrun", case: "casecase" };
const one = "11111111-1111-4111-8111-111111111111";
const two = "22222222-2222-4222-8222-222222222222";

function answers(...list: readonly unknown[]): readonly unknown[] {
  const entries = list.map((answer): Entry => ({ send: "GET /", status: 200, answer }));
  return normalise(entries, names).map((entry) => (entry as { answer?: unknown }).answer);
}

const now = () => new Date().toISOString();

describe("normalise", () => {
  it.each<[string, unknown, unknown]>([
    ["names", { a: "x-runrunrun-casecase" }, { a: "x-<run>-<case>" }],
    ["equal uids", { a: one, b: two, c: `the ${one}` }, { a: "<uid-1>", b: "<uid-2>", c: "the <uid-1>" }],
    ["times of now", { a: now().replace(/\.\d+/, "") }, { a: "<time>" }],
    ["times of now, finer", { a: now().replace(/\.\d+/, ".123456") }, { a: "<microtime>" }],
    ["times of then", { a: "2020-01-01T00:00:00Z" }, { a: "2020-01-01T00:00:00Z" }],
    ["the version of a list", { metadata: { resourceVersion: "7" } }, { metadata: { resourceVersion: "<version>" } }],
    ["no version", { metadata: { resourceVersion: "" } }, { metadata: { resourceVersion: "" } }],
    ["an address", { a: "dial 127.0.0.1:1234" }, { a: "dial <address>" }],
    ["a token", { a: "eyJhbGc.eyJhdWQ.c2ln" }, { a: "<token>" }],
    ["no token", { a: "eyJhbGc" }, { a: "eyJhbGc" }],
    ["a continue token", { metadata: { continue: "abc" } }, { metadata: { continue: "<continue>" } }],
    ["managed fields", { metadata: { managedFields: [], name: "a" } }, { metadata: { name: "a" } }],
    ["a number", { a: 12345 }, { a: 12345 }],
    ["a message", { message: 'pods "a" not found' }, { message: 'pods "a" not found' }],
    ["a generated name", { generateName: "g-", name: "g-bcdfg" }, { generateName: "g-", name: "g-<generated-1>" }],
    ["a name that only looks so", { generateName: "g-", name: "g-aeiou" }, { generateName: "g-", name: "g-aeiou" }],
  ])("%s", (_, given, expected) => expect(answers(given)).toEqual([expected]));

  it("keeps versions of objects apart, and equal ones equal", () => {
    const at = (resourceVersion: string) => ({ metadata: { name: "a", resourceVersion } });
    expect(answers(at("5"), at("9"), at("5"))).toEqual([at("<version-1>"), at("<version-2>"), at("<version-1>")]);
  });

  it("leaves a version that a case made up", () => {
    const body = { metadata: { name: "a", resourceVersion: "1" } };
    expect(normalise([{ send: "PUT /", status: 409, body }], names)).toMatchObject([{ body }]);
  });

  it("sorts the causes of a refusal, also in its message", () => {
    const refusal = (...fields: readonly string[]) => ({
      message: `X is invalid: [${fields.map((field) => `${field}: bad`).join(", ")}]`,
      details: { causes: fields.map((field) => ({ field, message: "bad" })) },
    });
    expect(answers(refusal("b", "a"))).toEqual([refusal("a", "b")]);
  });

  it("erases ages only from the column that tells them", () => {
    const rows = (age: string) => [{ cells: ["5m", age] }];
    const columnDefinitions = [{ name: "Note" }, { name: "Age" }];
    expect(answers({ columnDefinitions, rows: rows("3s") })).toEqual([{ columnDefinitions, rows: rows("<age>") }]);
  });
});

describe("diffTranscripts", () => {
  const said = (answer: unknown): Entry => ({ send: "GET /x", status: 200, answer });

  it("is empty for equal ones", () => {
    expect(diffTranscripts([said({ a: [1, { b: 2 }] })], [said({ a: [1, { b: 2 }] })])).toEqual([]);
  });

  it("names the request and the place", () => {
    expect(diffTranscripts([said({ a: [1, { b: 2 }] })], [said({ a: [1, { b: 3 }] })])).toEqual([
      "at 1, GET /x",
      "  answer.a.1.b: expected 2",
      "                actual   3",
    ]);
  });

  it("notices what one of them lacks", () => {
    expect(diffTranscripts([said(1), said(2)], [said(1)])).toHaveLength(3);
    expect(diffTranscripts([said({ a: undefined })], [said({ a: null })])).not.toEqual([]);
  });
});
