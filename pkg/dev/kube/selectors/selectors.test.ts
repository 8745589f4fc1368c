import { describe, expect, test } from "vitest";
import { matchesFields, parseFieldSelector } from "./fields.ts";
import { matchesLabels, parseLabelSelector } from "./labels.ts";

describe("label selectors", () => {
  const labels = { app: "web", tier: "2", "example.com/x": "" };

  test.each([
    ["", true],
    ["app=web", true],
    ["app==web,tier=2", true],
    ["app=web,tier=3", false],
    ["app!=web", false],
    ["none!=web", true],
    ["app in (db, web)", true],
    ["app notin (db,web)", false],
    ["none notin (a)", true],
    ["app", true],
    ["!app", false],
    ["!none", true],
    ["tier>1", true],
    ["tier>2", false],
    ["tier<3", true],
    ["app>1", false],
    ["none<1", false],
    ["example.com/x=", true],
    ["example.com/x", true],
    ["app in (db,)", false],
  ])("%s", (text, expected) => {
    expect(matchesLabels(parseLabelSelector(text), labels)).toBe(expected);
  });

  test.each(["app in", "=web", "app=a b", "app in (a", "app,,b", "tier>x", "!app=1", "-a=b"])("refuses %s", (text) => {
    expect(() => parseLabelSelector(text)).toThrow();
  });

  test("names inherited by objects are no labels", () => {
    expect(matchesLabels(parseLabelSelector("toString"), labels)).toBe(false);
  });
});

describe("field selectors", () => {
  const read = (field: string): string => ({ "metadata.name": "a,b", "spec.nodeName": "" })[field] ?? "";

  test.each([
    ["", true],
    ["metadata.name=a\\,b", true],
    ["metadata.name==a\\,b,spec.nodeName=", true],
    ["metadata.name!=a\\,b", false],
    ["spec.nodeName!=x", true],
  ])("%s", (text, expected) => {
    expect(matchesFields(parseFieldSelector(text), read)).toBe(expected);
  });

  test.each(["metadata.name", "a=b=c\\", "a=\\x"])("refuses %s", (text) => {
    expect(() => parseFieldSelector(text)).toThrow();
  });
});
