import { expect, test } from "vitest";
import { manualClock } from "../../runtime/timing/index.ts";
import { tokenBucket } from "./rate-limit.ts";

const never = new AbortController().signal;

test("a burst goes at once, then each waits for its turn", async () => {
  const clock = manualClock();
  const limit = tokenBucket(10, 2, clock);
  const went: number[] = [];
  const calls = Array.from({ length: 5 }, async () => {
    await limit(never);
    went.push(clock.monotonic());
  });
  await clock.sleepers(3);
  expect(went).toEqual([0, 0]);
  await clock.advance(1000);
  await Promise.all(calls);
  expect(went).toEqual([0, 0, 100, 200, 300]);
});

test("who gives up gives its turn back", async () => {
  const clock = manualClock();
  const limit = tokenBucket(1, 1, clock);
  expect(await limit(never)).toBe(0);
  const cancel = new AbortController();
  const cancelled = limit(cancel.signal);
  cancel.abort(new Error("enough"));
  await expect(cancelled).rejects.toThrow("enough");
  const next = limit(never);
  await clock.advance(1000);
  expect(await next).toBe(1000);
});
