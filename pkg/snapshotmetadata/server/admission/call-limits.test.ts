import { expect, it } from "vitest";
import { manualClock } from "../../../runtime/timing/index.ts";
import { type CallLimitRules, callLimits } from "./call-limits.ts";

const unlimited = { maxStreams: 0, maxStreamsPerIdentity: 0, callQps: 0, callQpsPerIdentity: 0 };
const rules = (changes: Partial<CallLimitRules>): CallLimitRules => ({
  ...unlimited,
  clock: manualClock(),
  ...changes,
});
const user = (username: string, uid?: string) => ({
  username,
  groups: [],
  extra: {},
  ...(uid === undefined ? {} : { uid }),
});

it("an account made anew, with the same name and another uid, begins anew", () => {
  const { begin } = callLimits(rules({ maxStreamsPerIdentity: 1 }));
  begin(user("backup", "1"));
  expect(() => begin(user("backup", "1"))).toThrow("backup has 1 streams running");
  begin(user("backup", "2"));
  begin(user("backup"));
  expect(() => begin(user("backup", ""))).toThrow("--max-streams-per-identity");
});

it("name and uid can not be put together to look like another's", () => {
  const { begin } = callLimits(rules({ maxStreamsPerIdentity: 1 }));
  begin(user("a", "b,c"));
  begin(user("a,b", "c"));
  begin(user('a","b', "c"));
  begin(user("a", 'b","c'));
});

it("a call that was refused for all callers' sake does not use up what its own caller may make", async () => {
  const clock = manualClock();
  const { begin } = callLimits(rules({ callQps: 1, callQpsPerIdentity: 1, clock }));
  begin(user("busy"));
  for (let n = 0; n < 3; n += 1) expect(() => begin(user("patient"))).toThrow("all callers together make");
  await clock.advance(1000);
  begin(user("patient"));
});

it("counts what runs, and nothing of what was refused", () => {
  const { begin } = callLimits(rules({ maxStreams: 2, maxStreamsPerIdentity: 1 }));
  const first = begin(user("a"));
  for (let n = 0; n < 3; n += 1) expect(() => begin(user("a"))).toThrow("--max-streams-per-identity");
  const second = begin(user("b"));
  expect(() => begin(user("c"))).toThrow("--max-streams;");
  first[Symbol.dispose]();
  const third = begin(user("c"));
  second[Symbol.dispose]();
  third[Symbol.dispose]();
  begin(user("a"));
  begin(user("b"));
});

it("remembers nobody whose calls are over", () => {
  const limits = callLimits(rules({ maxStreamsPerIdentity: 2 }));
  const running = [user("a", "1"), user("a", "1"), user("a", "2"), user("b")].map(limits.begin);
  expect(limits.identities).toBe(3);
  running[0]?.[Symbol.dispose]();
  expect(limits.identities).toBe(3);
  for (const each of running.slice(1)) each[Symbol.dispose]();
  expect(limits.identities).toBe(0);
});
