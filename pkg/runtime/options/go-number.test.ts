import { describe, expect, it } from "vitest";
import { parseBoolean, parseInteger, parseNumber } from "./go-number.ts";

describe("parseInteger", () => {
  it.each([
    ["0", 0],
    ["-0", 0],
    ["42", 42],
    ["+42", 42],
    ["-42", -42],
    ["0x1F", 31],
    ["0X_ff", 255],
    ["0b101", 5],
    ["0o17", 15],
    ["017", 15],
    ["0_7", 7],
    ["1_000_000", 1_000_000],
    ["9007199254740991", Number.MAX_SAFE_INTEGER],
  ])("%s", (text, value) => expect(parseInteger(text)).toBe(value));

  it.each(["", "-", "1.5", "1e3", "08", "0x", "0xg", "1__0", "_1", "1_", "0b2", " 1", "1 ", "١", "--1", "NaN"])(
    "refuses %j",
    (text) => expect(() => parseInteger(text)).toThrow("invalid integer"),
  );

  it("refuses what a number can not hold", () => {
    expect(() => parseInteger("9007199254740993")).toThrow("out of range");
    expect(() => parseInteger("-0xffffffffffffffff")).toThrow("out of range");
  });
});

describe("parseNumber", () => {
  it.each([
    ["5", 5],
    ["-.5", -0.5],
    ["5.", 5],
    ["1e3", 1000],
    ["1.5E-1", 0.15],
  ])("%s", (text, value) => expect(parseNumber(text)).toBe(value));

  it.each(["", ".", "NaN", "Inf", "1_0", "0x10", "1e", "1e999"])("refuses %j", (text) =>
    expect(() => parseNumber(text)).toThrow(/invalid number|out of range/),
  );
});

describe("parseBoolean", () => {
  it.each(["1", "t", "T", "true", "TRUE", "True"])("%s is true", (text) => expect(parseBoolean(text)).toBe(true));
  it.each(["0", "f", "F", "false", "FALSE", "False"])("%s is false", (text) => expect(parseBoolean(text)).toBe(false));
  it.each(["", "yes", "tRUE", "2", " true"])("refuses %j", (text) =>
    expect(() => parseBoolean(text)).toThrow("expected true or false"),
  );
});
