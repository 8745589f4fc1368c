import { expect, it } from "vitest";
import { defineFailpoints, type FailpointPlan, parseFailpoints } from "./index.ts";

const points = defineFailpoints(["after-create", "before-status"]);
const plan = (text: string): FailpointPlan & { killed: number } => ({
  armed: parseFailpoints(text, points.names),
  killed: 0,
  kill() {
    this.killed++;
  },
});

it.each<[string, object]>([
  ["", {}],
  ["after-create", { "after-create": { action: "kill", passage: 1 } }],
  ["after-create=error@3", { "after-create": { action: "error", passage: 3 } }],
  [
    "after-create@2, before-status=pause",
    { "after-create": { action: "kill", passage: 2 }, "before-status": { action: "pause", passage: 1 } },
  ],
])("reads %j", (text, expected) => expect(Object.fromEntries(parseFailpoints(text, points.names))).toEqual(expected));

it.each([
  ["nowhere", 'unknown failpoint "nowhere" (known: after-create, before-status)'],
  ["after-create=explode", 'invalid failpoint "after-create=explode"'],
  ["after-create@0", 'invalid failpoint "after-create@0"'],
  ["=kill", 'invalid failpoint "=kill"'],
])("refuses %j", (text, message) => expect(() => parseFailpoints(text, points.names)).toThrow(message));

it("does nothing when off, without a promise", () => {
  expect(points.arm(undefined)("after-create")).toBeUndefined();
  expect(points.arm(plan(""))("after-create")).toBeUndefined();
  expect(points.arm(plan("before-status"))("after-create")).toBeUndefined();
});

it("fails on the passage it was told, and only there", async () => {
  const pass = points.arm(plan("after-create=error@2"));
  await pass("after-create");
  await expect(pass("after-create")).rejects.toMatchObject({ kind: "transient", reason: "Failpoint" });
  await pass("after-create");
});

it("kills, and lets nothing happen afterwards", async () => {
  const armed = plan("after-create");
  const controller = new AbortController();
  const passing = points.arm(armed)("after-create", controller.signal);
  controller.abort(new Error("still here"));
  await expect(passing).rejects.toThrow("still here");
  expect(armed.killed).toBe(1);
});

it("pauses until the signal", async () => {
  const armed = plan("before-status=pause");
  const controller = new AbortController();
  const passing = points.arm(armed)("before-status", controller.signal);
  controller.abort(new Error("go on"));
  await expect(passing).rejects.toThrow("go on");
  expect(armed.killed).toBe(0);
});
