import { getEventListeners } from "node:events";
import { describe, expect, it } from "vitest";
import {
  abortable,
  aborted,
  backoff,
  DeadlineError,
  deadlineSignal,
  delayAfter,
  linkedSignal,
  manualClock,
  systemClock,
} from "./index.ts";

const listeners = (signal: AbortSignal): number => getEventListeners(signal, "abort").length;

describe("systemClock.sleep", () => {
  it("settles and leaves no listener", async () => {
    const { signal } = new AbortController();
    await systemClock.sleep(1, signal);
    expect(listeners(signal)).toBe(0);
  });

  it.each([1e10, Number.POSITIVE_INFINITY])("does not settle at once when asked for %d ms", async (ms) => {
    const controller = new AbortController();
    const warnings: Error[] = [];
    const onWarning = (warning: Error): void => void warnings.push(warning);
    process.on("warning", onWarning);
    const sleeping = systemClock.sleep(ms, controller.signal).then(() => "woke");
    // A timer that overflows fires after one millisecond.
    expect(await Promise.race([sleeping, systemClock.sleep(30).then(() => "asleep")])).toBe("asleep");
    controller.abort(new Error("enough"));
    await expect(sleeping).rejects.toThrow("enough");
    expect(listeners(controller.signal)).toBe(0);
    process.off("warning", onWarning);
    expect(warnings).toEqual([]);
  });

  it("rejects at once when the signal has aborted before", async () => {
    await expect(systemClock.sleep(1e6, AbortSignal.abort(new Error("gone")))).rejects.toThrow("gone");
  });
});

describe("manualClock", () => {
  it("wakes sleepers in order, at their times, also those that sleep again", async () => {
    const clock = manualClock(1000);
    const seen: string[] = [];
    const sleeper = async (name: string, ms: number): Promise<void> => {
      for (;;) {
        await clock.sleep(ms);
        seen.push(`${name}@${clock.now()}`);
      }
    };
    void sleeper("slow", 30);
    void sleeper("fast", 20);
    await clock.advance(60);
    expect(seen).toEqual(["fast@1020", "slow@1030", "fast@1040", "slow@1060", "fast@1060"]);
    expect([clock.now(), clock.monotonic(), clock.waiting]).toEqual([1060, 60, 2]);
  });

  it("lets a sleeper be aborted", async () => {
    const clock = manualClock();
    const controller = new AbortController();
    const sleeping = clock.sleep(10, controller.signal);
    await clock.sleepers(1);
    controller.abort(new Error("up"));
    await expect(sleeping).rejects.toThrow("up");
    expect([clock.waiting, listeners(controller.signal)]).toEqual([0, 0]);
  });
});

describe("backoff", () => {
  it("grows to its bound and starts over", () => {
    const delays = backoff({ baseMs: 100, maxMs: 1000, jitter: 0 });
    expect(Array.from({ length: 6 }, () => delays.next())).toEqual([100, 200, 400, 800, 1000, 1000]);
    expect(delays.attempts).toBe(6);
    delays.reset();
    expect([delays.attempts, delays.next()]).toEqual([0, 100]);
  });

  it.each([
    [0, 1000],
    [0.5, 900],
    [0.999999, 800],
  ])("draws %d of the jitter", (drawn, ms) => {
    expect(delayAfter(9, { baseMs: 100, maxMs: 1000, jitter: 0.2, random: () => drawn })).toBeCloseTo(ms, 0);
  });

  it("stays finite after very many attempts", () =>
    expect(delayAfter(5000, { baseMs: 1, maxMs: 60_000, jitter: 0 })).toBe(60_000));
});

describe("linkedSignal", () => {
  it("aborts with the first parent, for its reason, and lets go of all", () => {
    const [a, b] = [new AbortController(), new AbortController()];
    using scope = linkedSignal(a.signal, undefined, b.signal);
    b.abort(new Error("b"));
    a.abort(new Error("a"));
    expect(scope.signal.reason).toEqual(new Error("b"));
    expect([listeners(a.signal), listeners(b.signal)]).toEqual([0, 0]);
  });

  it("is aborted from the start when a parent is, and listens to none", () => {
    const live = new AbortController();
    using scope = linkedSignal(live.signal, AbortSignal.abort(new Error("before")));
    expect(scope.signal.reason).toEqual(new Error("before"));
    expect(listeners(live.signal)).toBe(0);
  });

  it("lets go of its parents when disposed of, and no longer follows them", () => {
    const parent = new AbortController();
    const scope = linkedSignal(parent.signal);
    expect(listeners(parent.signal)).toBe(1);
    scope[Symbol.dispose]();
    parent.abort();
    expect([listeners(parent.signal), scope.signal.aborted]).toEqual([0, false]);
  });

  it("aborts without its parent", () => {
    const parent = new AbortController();
    using scope = linkedSignal(parent.signal);
    scope.abort(new Error("own"));
    expect([scope.signal.aborted, parent.signal.aborted, listeners(parent.signal)]).toEqual([true, false, 0]);
  });
});

describe("deadlineSignal", () => {
  it("aborts when the time is up", async () => {
    const clock = manualClock();
    using scope = deadlineSignal(50, undefined, clock);
    await clock.advance(49);
    expect(scope.signal.aborted).toBe(false);
    await clock.advance(1);
    expect(scope.signal.reason).toEqual(new DeadlineError(50));
  });

  it("aborts with its parent, and stops its timer", async () => {
    const clock = manualClock();
    const parent = new AbortController();
    using scope = deadlineSignal(50, parent.signal, clock);
    await clock.sleepers(1);
    parent.abort(new Error("parent"));
    expect(scope.signal.reason).toEqual(new Error("parent"));
    expect([clock.waiting, listeners(parent.signal)]).toEqual([0, 0]);
  });

  it("leaves neither timer nor listener when disposed of", async () => {
    const clock = manualClock();
    const parent = new AbortController();
    const scope = deadlineSignal(50, parent.signal, clock);
    scope[Symbol.dispose]();
    await clock.advance(100);
    expect([clock.waiting, listeners(parent.signal), scope.signal.aborted]).toEqual([0, 0, false]);
  });
});

describe("abortable", () => {
  it("gives the result and leaves no listener", async () => {
    const { signal } = new AbortController();
    await expect(abortable(Promise.resolve(7), signal)).resolves.toBe(7);
    await expect(abortable(Promise.reject(new Error("no")), signal)).rejects.toThrow("no");
    expect(listeners(signal)).toBe(0);
  });

  it("rejects when the signal comes first", async () => {
    const controller = new AbortController();
    const waiting = abortable(new Promise(() => undefined), controller.signal);
    controller.abort(new Error("first"));
    await expect(waiting).rejects.toThrow("first");
  });
});

it("aborted settles with the signal", async () => {
  const controller = new AbortController();
  const waiting = aborted(controller.signal);
  controller.abort();
  await waiting;
  await aborted(AbortSignal.abort());
});
