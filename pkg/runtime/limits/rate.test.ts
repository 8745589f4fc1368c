import fc from "fast-check";
import { expect, it } from "vitest";
import { manualClock } from "../timing/index.ts";
import { keyedRate, rate } from "./rate.ts";

it("lets a burst through, then tells how long to wait, and is right about it", async () => {
  const clock = manualClock();
  const limit = rate({ perSecond: 4, burst: 2, clock });
  expect([limit.take(), limit.take(), limit.take(), limit.take()]).toEqual([0, 0, 250, 250]);
  await clock.advance(249);
  expect(limit.take()).toBe(1);
  await clock.advance(1);
  expect([limit.take(), limit.take()]).toEqual([0, 250]);
});

it("never saves up more than the burst, also by what is given back", async () => {
  const clock = manualClock();
  const limit = rate({ perSecond: 1, burst: 2, clock });
  await clock.advance(60_000);
  limit.giveBack();
  expect([limit.take(), limit.take(), limit.take()]).toEqual([0, 0, 1000]);
  limit.giveBack();
  expect([limit.take(), limit.take()]).toEqual([0, 1000]);
});

it("without a rate there is no limit, and nothing is remembered", () => {
  const limits = keyedRate({ perSecond: 0, burst: 0, clock: manualClock() });
  for (let n = 0; n < 1000; n += 1) expect(limits.take(`k${n}`)).toBe(0);
  expect(limits.size).toBe(0);
});

it("in any stretch of time at most burst and rate times time pass", async () => {
  const steps = fc.array(fc.record({ tries: fc.integer({ min: 0, max: 20 }), ms: fc.integer({ min: 0, max: 400 }) }));
  await fc.assert(
    fc.asyncProperty(steps, fc.integer({ min: 1, max: 50 }), fc.integer({ min: 1, max: 9 }), async (plan, n, burst) => {
      const clock = manualClock();
      const limit = rate({ perSecond: n, burst, clock });
      let passed = 0;
      for (const { tries, ms } of plan) {
        for (let at = 0; at < tries; at += 1) passed += limit.take() === 0 ? 1 : 0;
        expect(passed).toBeLessThanOrEqual(burst + (n * clock.monotonic()) / 1000 + 1e-6);
        await clock.advance(ms);
      }
    }),
  );
});

it("keeps keys apart, and forgets the idle", async () => {
  const clock = manualClock();
  const limits = keyedRate({ perSecond: 1, burst: 1, clock });
  expect([limits.take("a"), limits.take("b"), limits.take("a")]).toEqual([0, 0, 1000]);
  for (let n = 0; n < 5000; n += 1) {
    limits.take(`passer-by ${n}`);
    await clock.advance(10);
  }
  // A hundred are busy at any time.
  expect(limits.size).toBeLessThan(300);
});

it("is bounded however many keys are busy at once", () => {
  const limits = keyedRate({ perSecond: 1, burst: 1, clock: manualClock() });
  for (let n = 0; n < 25_000; n += 1) limits.take(`k${n}`);
  expect(limits.size).toBeLessThanOrEqual(10_000);
  expect(limits.take("k24999")).toBe(1000);
});
