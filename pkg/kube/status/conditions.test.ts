import { describe, expect, it } from "vitest";
import { type Condition, type ConditionWish, setCondition } from "./index.ts";

const now = Date.UTC(2030, 0, 2, 3, 4, 5, 678);
const before: Condition = {
  type: "Ready",
  status: "False",
  reason: "ContentMissing",
  message: "no content yet",
  lastTransitionTime: "2029-12-31T00:00:00Z",
  observedGeneration: 1,
};
const aWish = (difference: Partial<ConditionWish> = {}): ConditionWish => {
  const { lastTransitionTime: _time, ...wish } = before;
  return { ...wish, ...difference };
};

describe("setCondition", () => {
  it("adds what is not there, with the time in whole seconds", () => {
    expect(setCondition(undefined, aWish(), now)).toEqual([{ ...before, lastTransitionTime: "2030-01-02T03:04:05Z" }]);
  });

  it("gives the same list back when nothing changes", () => {
    const conditions = [before];
    expect(setCondition(conditions, aWish(), now)).toBe(conditions);
  });

  it.each([
    ["status", { status: "True" }, "2030-01-02T03:04:05Z"],
    ["status, to unknown", { status: "Unknown" }, "2030-01-02T03:04:05Z"],
    ["reason", { reason: "ContentTaken" }, "2029-12-31T00:00:00Z"],
    ["message", { message: "other" }, "2029-12-31T00:00:00Z"],
    ["observed generation", { observedGeneration: 2 }, "2029-12-31T00:00:00Z"],
  ] as const)("moves the time only when the status flips: %s", (_, difference, time) => {
    expect(setCondition([before], aWish(difference), now)).toEqual([
      { ...before, ...difference, lastTransitionTime: time },
    ]);
  });

  it("sorts by type and keeps the others as they are", () => {
    const others = [
      { ...before, type: "Stalled" },
      { ...before, type: "Bound" },
    ];
    const next = setCondition(others, aWish(), now);
    expect(next.map((each) => each.type)).toEqual(["Bound", "Ready", "Stalled"]);
    expect(next).toContain(others[0]);
    expect(others.map((each) => each.type)).toEqual(["Stalled", "Bound"]);
  });

  it("trims a message too long for the API, and knows it again afterwards", () => {
    const wish = aWish({ message: `${"x".repeat(32_766)}😀😀` });
    const [trimmed] = setCondition([], wish, now);
    expect(trimmed?.message).toBe(`${"x".repeat(32_766)}…`);
    const conditions = [trimmed as Condition];
    expect(setCondition(conditions, wish, now)).toBe(conditions);
    expect(setCondition([], aWish({ message: "x".repeat(32_768) }), now)[0]?.message).toHaveLength(32_768);
  });

  it("leaves the observed generation out when there is none", () => {
    const { observedGeneration: _none, ...wish } = aWish();
    expect(setCondition([before], wish, now)[0]).not.toHaveProperty("observedGeneration");
  });
});
