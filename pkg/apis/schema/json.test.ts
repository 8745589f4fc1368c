import { describe, expect, it } from "vitest";
import { parseJson, stringifyJson, withInt64 } from "./json.ts";

describe("JSON without loss", () => {
  it.each([
    ["1767323045123456789", 1767323045123456789n],
    ["-9223372036854775808", -9223372036854775808n],
    ["9007199254740993", 9007199254740993n],
    ["9007199254740991", 9007199254740991],
    ["0.30000000000000004", 0.30000000000000004],
    ["1234567890123456.5", 1234567890123456.5],
    ["12345678901234567e3", 12345678901234567e3],
    ['"1767323045123456789"', "1767323045123456789"],
  ])("%s, wherever it stands", (text, value) => {
    expect(parseJson(text)).toEqual(value);
    expect(parseJson(`{"a":[1, ${text}],"b":${text}\n}`)).toEqual({ a: [1, value], b: value });
  });

  it("is written as it was read", () => {
    const text = '{"a":[1767323045123456789,5],"b":{"c":-9223372036854775808,"d":"x"}}';
    expect(stringifyJson(parseJson(text))).toBe(text);
  });

  it("throws on what is no JSON", () => {
    expect(() => parseJson('{"a": 1767323045123456789')).toThrow(SyntaxError);
  });
});

describe("withInt64", () => {
  const kind = { int64: ["status.size", "status.parts[].size", "status.byName{}.size"] };

  it("makes bigint of every whole number at the named places, and of no other", () => {
    const object = {
      metadata: { generation: 4 },
      status: { size: 5, other: 6, parts: [{ size: 7 }, {}, { size: 8n }], byName: { a: { size: 9 } } },
    };
    expect(withInt64(kind, object)).toEqual({
      metadata: { generation: 4 },
      status: { size: 5n, other: 6, parts: [{ size: 7n }, {}, { size: 8n }], byName: { a: { size: 9n } } },
    });
  });

  it.each([{}, { status: null }, { status: { size: "x", parts: "y" } }, { status: { size: 1.5 } }])(
    "leaves %j as it is",
    (rest) => {
      const object = { metadata: {}, ...rest };
      expect(withInt64(kind, structuredClone(object))).toEqual(object);
    },
  );
});
