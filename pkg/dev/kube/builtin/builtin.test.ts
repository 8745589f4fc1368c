import { describe, expect, test } from "vitest";
import { decodeBuiltin } from "./decode.ts";
import { GoTypes } from "./go-types.ts";
import { canonicalQuantity, compareQuantities, parseQuantity } from "./quantity.ts";

const types = new GoTypes();

describe("quantities", () => {
  test.each([
    ["1Gi", "1Gi"],
    ["1024Mi", "1Gi"],
    ["1.5Gi", "1536Mi"],
    ["1000", "1k"],
    ["1e3", "1e3"],
    ["0.5", "500m"],
    ["1.0001m", "1000100n"],
    ["0", "0"],
    ["-1Ki", "-1Ki"],
    ["a lot", undefined],
    ["", undefined],
    ["1 Gi", undefined],
  ])("%s is written %s", (text, expected) => {
    expect(canonicalQuantity(text)).toBe(expected);
  });

  test("are compared by what they are worth", () => {
    const compare = (a: string, b: string): number => {
      const [x, y] = [parseQuantity(a), parseQuantity(b)];
      return x && y ? compareQuantities(x, y) : Number.NaN;
    };
    expect(compare("1Gi", "1G")).toBeGreaterThan(0);
    expect(compare("1Gi", "1024Mi")).toBe(0);
    expect(compare("999m", "1")).toBeLessThan(0);
  });

  test("a huge exponent is no huge computation", () => {
    expect(parseQuantity("1e999999999")).toBeDefined();
  });
});

describe("reading built-in objects", () => {
  const decode = (value: object) => decodeBuiltin(types, "core.v1.Secret", value as never);

  test("unknown fields are dropped and named", () => {
    const { object, unknown } = decode({ metadata: { name: "a", odd: 1 }, other: true, immutable: false });
    expect(object["metadata"]).toMatchObject({ name: "a" });
    expect(object).not.toHaveProperty("other");
    expect(unknown.toSorted()).toEqual(["metadata.odd", "other"]);
  });

  test.each([
    [{ data: { k: "!!" } }, "illegal base64 data at input byte 0"],
    [{ type: 5 }, "json: cannot unmarshal number into Go struct field Secret.type of type"],
    [
      { metadata: { labels: { a: 1 } } },
      "json: cannot unmarshal number into Go struct field ObjectMeta.metadata.labels",
    ],
    [{ metadata: { deletionTimestamp: "x" } }, 'parsing time "x" as "2006-01-02T15:04:05Z07:00"'],
    [{ metadata: { deletionTimestamp: "2020-13-01T00:00:00Z" } }, "month out of range"],
  ])("%j is refused in Go's words", (value, message) => {
    expect(() => decode(value)).toThrow(message);
  });

  test("times with microseconds have exactly six digits", () => {
    const lease = (renewTime: string) => decodeBuiltin(types, "coordination.v1.Lease", { spec: { renewTime } });
    expect(lease("2020-01-01T00:00:00.000001+01:00").object["spec"]).toEqual({
      renewTime: "2019-12-31T23:00:00.000001Z",
    });
    expect(() => lease("2020-01-01T00:00:00Z")).toThrow('cannot parse "Z" as ".000000"');
  });
});
