import { describe, expect, test } from "vitest";
import { quote } from "./go-text.ts";
import { equalJson, equalSemantic, parseJson, stringifyJson } from "./json.ts";
import { dnsLabel, dnsSubdomain, labelValue, qualifiedName } from "./names.ts";
import { unifiedDiff } from "./unified-diff.ts";

describe("JSON", () => {
  test("keeps all 64 bits of integers", () => {
    const text = '{"big":9223372036854775807,"small":1,"float":1.5}';
    expect(stringifyJson(parseJson(text))).toBe(text);
  });

  test("equality looks at values, and semantically at no difference of nothing", () => {
    expect(equalJson({ a: 1, b: [1n] }, { b: [1n], a: 1 })).toBe(true);
    expect(equalJson({ a: 1 }, { a: 1, b: null })).toBe(false);
    expect(equalSemantic({ a: 1, b: [], c: {}, d: null }, { a: 1 })).toBe(true);
    expect(equalSemantic({ a: { b: 1 } }, {})).toBe(false);
  });
});

describe("names", () => {
  test.each(["a", "a-b.c", "0", "a".repeat(253)])("%s is a subdomain", (name) => {
    expect(dnsSubdomain(name)).toEqual([]);
  });
  test.each(["", "A", "a..b", "-a", "a_", "a".repeat(254)])("%s is none", (name) => {
    expect(dnsSubdomain(name)).not.toEqual([]);
  });
  test("labels, label values and qualified names", () => {
    expect(dnsLabel("a.b")).not.toEqual([]);
    expect(labelValue("")).toEqual([]);
    expect(labelValue("a b")).not.toEqual([]);
    expect(qualifiedName("example.com/Name_1")).toEqual([]);
    expect(qualifiedName("/x")).toEqual(["prefix part must be non-empty"]);
  });
  test("Go quotes", () => {
    expect(quote('a"b\n\u0001')).toBe('"a\\"b\\n\\x01"');
  });
});

describe("unified diffs", () => {
  const lines = (...list: string[]) => list.join("\n");

  test("show three lines around each change, and where", () => {
    const before = lines("1", "2", "3", "4", "5", "6", "7", "8", "9");
    expect(unifiedDiff(before, before.replace("5", "five"))).toBe(
      "@@ -2,7 +2,7 @@\n 2\n 3\n 4\n-5\n+five\n 6\n 7\n 8\n",
    );
  });
  test("cut far changes into hunks", () => {
    const before = Array.from({ length: 20 }, (_, at) => `${at}`);
    const after = before.map((each) => (each === "0" || each === "19" ? `${each}!` : each));
    expect(unifiedDiff(before.join("\n"), after.join("\n")).match(/^@@.*@@$/gm)).toEqual([
      "@@ -1,4 +1,4 @@",
      "@@ -17,4 +17,4 @@",
    ]);
  });
  test("added and removed lines alone, and nothing for equal texts", () => {
    expect(unifiedDiff("a\nb", "b")).toBe("@@ -1,2 +1 @@\n-a\n b\n");
    expect(unifiedDiff("a", "a\nb")).toBe("@@ -1 +1,2 @@\n a\n+b\n");
    expect(unifiedDiff("a", "a")).toBe("");
  });
});
