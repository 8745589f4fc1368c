import { describe, expect, test } from "vitest";
import { CelCompiler } from "./cel.ts";
import { checkCel } from "./cel-check.ts";
import { Rules } from "./rules.ts";
import type { Schema } from "./schema.ts";

const rules = new Rules(new CelCompiler(), {});
const integer: Schema = { type: "integer" };
const spec = (properties: Record<string, Schema>, ...validations: Schema[]): Schema => ({
  type: "object",
  properties,
  "x-kubernetes-validations": validations,
});
const told = (schema: Schema, value: object, old?: object): string[] =>
  rules.check(schema, value as never, old as never).errors.map(({ field, body }) => `${field}: ${body}`);

describe("rules", () => {
  const range = spec({ min: integer, max: integer }, { rule: "self.min <= self.max", message: "min above max" });

  test("hold or complain with their message", () => {
    expect(told(range, { min: 1, max: 2 })).toEqual([]);
    expect(told(range, { min: 3, max: 2 })).toEqual([": Invalid value: min above max".replace(/^:/, "<nil>:")]);
  });

  test("without a message they complain with themselves, or with what messageExpression makes", () => {
    const plain = spec({ n: { ...integer, "x-kubernetes-validations": [{ rule: "self > 0" }] } });
    expect(told(plain, { n: 0 })).toEqual(["n: Invalid value: 0: failed rule: self > 0"]);
    const made = { rule: "self > 0", message: "plain", messageExpression: "'got ' + string(self)" };
    expect(told(spec({ n: { ...integer, "x-kubernetes-validations": [made] } }), { n: 0 })).toEqual([
      "n: Invalid value: 0: got 0",
    ]);
  });

  test("of transition look at changes only", () => {
    const fixed = spec({
      n: { ...integer, "x-kubernetes-validations": [{ rule: "self == oldSelf", message: "fixed" }] },
    });
    expect(told(fixed, { n: 1 })).toEqual([]);
    expect(told(fixed, { n: 1 }, { n: 1 })).toEqual([]);
    expect(told(fixed, { n: 2 }, { n: 1 })).toEqual(["n: Invalid value: 2: fixed"]);
    expect(told(fixed, {}, { n: 1 })).toEqual([]);
  });

  test("know an old value that may be missing", () => {
    const rule = { rule: "!oldSelf.hasValue() || self == oldSelf.value()", optionalOldSelf: true, message: "once" };
    const once = spec({ part: { ...spec({ v: { type: "string" } }), "x-kubernetes-validations": [rule] } });
    expect(told(once, { part: { v: "a" } })).toEqual([]);
    expect(told(once, { part: { v: "a" } }, { part: { v: "a" } })).toEqual([]);
    expect(told(once, { part: { v: "b" } }, { part: { v: "a" } })).toEqual(["part: Invalid value: once"]);
  });

  test("place their complaint and its kind where they are told", () => {
    const rule = { rule: "has(self.a)", reason: "FieldValueRequired", fieldPath: ".a", message: "wanted" };
    expect(told(spec({ a: integer }, rule), {})).toEqual(["a: Required value: wanted"]);
  });

  test("see elements of lists and values of maps", () => {
    const positive = { ...integer, "x-kubernetes-validations": [{ rule: "self > 0", message: "no" }] };
    const schema = spec({
      list: { type: "array", items: positive },
      map: { type: "object", additionalProperties: positive },
    });
    expect(told(schema, { list: [1, 0], map: { k: 0 } })).toEqual([
      "list[1]: Invalid value: 0: no",
      "map[k]: Invalid value: 0: no",
    ]);
  });
});

describe("checking rules against their schema", () => {
  const schema = spec({ a: { type: "string" }, n: integer });
  const check = (expression: string, isOldOptional = false) =>
    checkCel(expression, { schema, root: false, isOldOptional }, "bool");

  test.each(["self.n > 0", "self.a.startsWith('x') && has(self.n)", "self.n >= oldSelf.n", "size(self.a) < 3"])(
    "%s fits",
    (expression) => {
      expect(check(expression)).toBeUndefined();
    },
  );

  test.each([
    ["self.b == 1", "undefined field 'b'"],
    ["self.a > 1", "found no matching overload for '_>_' applied to '(string, int)'"],
    ["self.n", "cel expression must evaluate to a bool"],
    ["self.", "Syntax error: no viable alternative at input '.'"],
    ["nothing(self.a)", "undeclared reference to 'nothing' (in container '')"],
  ])("%s does not: %s", (expression, why) => {
    expect(check(expression)?.message).toContain(why);
  });

  test("an optional old value has to be opened", () => {
    expect(check("oldSelf.hasValue() ? oldSelf.value().n < self.n : true", true)).toBeUndefined();
  });

  test("what only the real server can do is told apart", () => {
    expect(check("url(self.a).getHost() == 'x'")?.unsupported).toBe(true);
  });
});
