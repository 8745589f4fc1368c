import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { formatDuration, parseDuration } from "./go-duration.ts";

describe("parseDuration", () => {
  it.each([
    ["0", 0],
    ["+0", 0],
    ["-0", 0],
    ["1m30s", 90_000],
    ["1.5h", 5_400_000],
    ["300ms", 300],
    ["1h2m3s4ms5us6ns", 3_723_004.005006],
    ["1us", 0.001],
    ["1\u00b5s", 0.001],
    ["1\u03bcs", 0.001],
    ["1ns", 0.000001],
    [".5s", 500],
    ["5.s", 5000],
    ["-1m", -60_000],
    ["+5s", 5000],
    ["1m1m", 120_000],
    ["2562047h47m16.854775807s", 9_223_372_036_854.775],
  ])("%s", (text, ms) => expect(parseDuration(text)).toBeCloseTo(ms, 6));

  it.each([
    ["", "invalid duration"],
    ["-", "invalid duration"],
    ["5", "missing unit"],
    ["1m5", "missing unit"],
    ["1d", 'unknown unit "d"'],
    ["1 s", 'unknown unit " s"'],
    [".s", "invalid duration"],
    ["s", "invalid duration"],
    ["1S", 'unknown unit "S"'],
    ["1e3s", 'unknown unit "e"'],
    ["constructor", "invalid duration"],
    ["1constructor", "unknown unit"],
    ["2562047h47m16.854775808s", "too long"],
    ["99999999999999999999h", "too long"],
  ])("refuses %j", (text, message) => expect(() => parseDuration(text)).toThrow(message));

  it("reads back what it writes", () => {
    fc.assert(
      fc.property(fc.integer({ min: -(2 ** 40), max: 2 ** 40 }), (us) => {
        expect(parseDuration(formatDuration(us / 1000))).toBeCloseTo(us / 1000, 6);
      }),
    );
  });
});

describe("formatDuration", () => {
  it.each([
    [0, "0s"],
    [90_000, "1m30s"],
    [60_000, "1m0s"],
    [3_600_000, "1h0m0s"],
    [1500, "1.5s"],
    [300, "300ms"],
    [1.5, "1.5ms"],
    [0.0015, "1.5µs"],
    [0.000001, "1ns"],
    [-2000, "-2s"],
  ])("%d ms", (ms, text) => expect(formatDuration(ms)).toBe(text));
});
