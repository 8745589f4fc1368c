import { Registry } from "prom-client";
import { describe, expect, it, onTestFinished } from "vitest";
import { Failure } from "../../runtime/errors/index.ts";
import { createLogger, silentLogger } from "../../runtime/log/index.ts";
import { aborted, manualClock, systemClock } from "../../runtime/timing/index.ts";
import { ApiError } from "../client/index.ts";
import {
  type ControllerOptions,
  createController,
  done,
  type Outcome,
  type ReconcileContext,
  requeueAfter,
  type Source,
} from "./index.ts";

/** A source whose keys a test adds. */
class HandFed implements Source {
  known: string[] = [];
  synced: Promise<unknown> = Promise.resolve();
  ended = false;
  listeners = new Set<(key: string) => void>();
  fail: ((reason: Error) => void) | undefined;

  async run(signal: AbortSignal): Promise<void> {
    const failed = new Promise<void>((_, reject) => {
      this.fail = reject;
    });
    await Promise.race([failed, aborted(signal)]);
    this.ended = true;
  }
  settled = async (): Promise<unknown> => this.synced;
  subscribe = (add: (key: string) => void): (() => void) => {
    this.listeners.add(add);
    return () => this.listeners.delete(add);
  };
  keys = (): readonly string[] => this.known;
  add(...keys: string[]): void {
    for (const key of keys) for (const add of this.listeners) add(key);
  }
}

type Answer = Outcome | Error | ((context: ReconcileContext) => Promise<Outcome>);

/** A running controller whose reconciler gives the scripted answers, then `done`. */
async function aController(answers: readonly Answer[], options: Partial<ControllerOptions> = {}) {
  const clock = manualClock();
  const source = new HandFed();
  const seen: string[] = [];
  const script = [...answers];
  const lines: Record<string, unknown>[] = [];
  const log = createLogger({
    name: "test",
    level: "debug",
    destination: { write: (line) => lines.push(JSON.parse(line) as Record<string, unknown>) },
  });
  const metrics = new Registry();
  const stop = new AbortController();
  const controller = createController({
    name: "test",
    sources: [source],
    workers: 2,
    log,
    metrics,
    clock,
    reconcile: async (key, context) => {
      seen.push(`${key}@${clock.monotonic()}`);
      const answer = script.shift() ?? done;
      if (answer instanceof Error) throw answer;
      return typeof answer === "function" ? await answer(context) : answer;
    },
    ...options,
  });
  const ended = controller.run(stop.signal).then(
    () => "stopped",
    (thrown: Error) => thrown.message,
  );
  onTestFinished(async () => {
    stop.abort();
    await clock.advance(1e6);
    await ended;
  });
  await clock.advance(0);
  const failures = () => lines.filter((line) => line["msg"] === "reconcile failed");
  return { clock, source, seen, lines, failures, metrics, stop, ended };
}

const terminal = (reason = "SpecInvalid"): Failure => new Failure("terminal", reason, "a person must act");
const waiting = (recheckMs?: number): Failure =>
  new Failure("waiting", "ContentMissing", "not yet", recheckMs === undefined ? {} : { recheckMs });
const transient = (): Failure => new Failure("transient", "DriverGone", "again");
const times = (count: number, answer: () => Answer): Answer[] => Array.from({ length: count }, answer);

describe("outcomes", () => {
  it("waits for a change after `done`, looks again after `requeueAfter`", async () => {
    const { clock, source, seen } = await aController([requeueAfter(60_000), done]);
    source.add("ns/a");
    await clock.advance(200_000);
    expect(seen).toEqual(["ns/a@0", "ns/a@60000"]);
    source.add("ns/a");
    await clock.advance(0);
    expect(seen).toHaveLength(3);
  });

  it("waits for a change after a terminal failure", async () => {
    const { clock, source, seen } = await aController([terminal()]);
    source.add("a");
    await clock.advance(1e6);
    expect(seen).toEqual(["a@0"]);
    source.add("a");
    await clock.advance(0);
    expect(seen).toHaveLength(2);
  });

  it("looks again after a waiting failure's own time, which never grows", async () => {
    const { clock, source, seen } = await aController(times(4, () => waiting(5000)));
    source.add("a");
    await clock.advance(20_000);
    expect(seen).toEqual(["a@0", "a@5000", "a@10000", "a@15000", "a@20000"]);
  });

  it("does not hurry when told to wait for nothing", async () => {
    const { clock, source, seen } = await aController(times(50, () => waiting(0)));
    source.add("a");
    await clock.advance(1000);
    expect(seen).toHaveLength(11);
  });

  it.each([
    ["a transient failure", transient],
    ["anything else that is thrown", () => new TypeError("x is not a function")],
  ])("tries again with growing delays after %s", async (_, failure) => {
    const { clock, source, seen } = await aController([...times(4, failure), done, failure()], {
      minDelayMs: 1000,
      maxDelayMs: 4000,
    });
    source.add("a");
    await clock.advance(100_000);
    const at = seen.map((each) => Number(each.slice(2)));
    const delays = at.slice(1).map((each, index) => each - (at[index] ?? 0));
    for (const [index, full] of [1000, 2000, 4000, 4000].entries()) {
      expect(delays[index]).toBeLessThanOrEqual(full);
      expect(delays[index]).toBeGreaterThanOrEqual(full * 0.8);
    }
    expect(delays).toHaveLength(4);
    source.add("a");
    await clock.advance(1000);
    expect(seen).toHaveLength(7); // the delay is short again
  });

  it("begins with a short delay again after the world has answered: waiting ends the backoff", async () => {
    const { clock, source, seen } = await aController([...times(4, transient), waiting(100), transient()]);
    source.add("a");
    await clock.advance(60_000);
    const at = seen.map((each) => Number(each.slice(2)));
    expect(at).toHaveLength(7);
    expect((at[6] ?? 0) - (at[5] ?? 0)).toBeLessThanOrEqual(1000);
  });

  it("goes on with other keys while one fails", async () => {
    const { clock, source, seen } = await aController([new Error("a"), done], { workers: 1 });
    source.add("a", "b");
    await clock.advance(0);
    expect(seen).toEqual(["a@0", "b@0"]);
  });
});

describe("failures", () => {
  it("are told with how often the key failed in a row, of whatever kind", async () => {
    const told: unknown[] = [];
    const before: number[] = [];
    const failing =
      (failure: Error): Answer =>
      async ({ failures }) => {
        before.push(failures);
        throw failure;
      };
    const { clock, source } = await aController(
      [failing(waiting(10)), failing(transient()), failing(terminal()), done, failing(terminal())],
      { onFailure: (key, { reason }, failures) => void told.push([key, reason, failures]) },
    );
    source.add("a");
    await clock.advance(5000);
    source.add("a");
    await clock.advance(0);
    source.add("a");
    await clock.advance(0);
    expect(told).toEqual([
      ["a", "ContentMissing", 1],
      ["a", "DriverGone", 2],
      ["a", "SpecInvalid", 3],
      ["a", "SpecInvalid", 1],
    ]);
    expect(before).toEqual([0, 1, 2, 0]);
  });

  it("that cannot be published are tried again, even terminal ones", async () => {
    const { clock, source, seen, lines } = await aController([terminal()], {
      onFailure: () => Promise.reject(new Error("status not written")),
    });
    source.add("a");
    await clock.advance(1000);
    expect(seen).toHaveLength(2);
    expect(lines.map((line) => line["msg"])).toContain("failure could not be published");
  });

  it.each([
    ["waiting", new Failure("waiting", "Conflict", "changed meanwhile", { recheckMs: 500 })],
    ["from the server", new ApiError({ status: 409, reason: "Conflict", message: "x", method: "PUT", path: "/x" })],
  ])("by a lost race (%s) come again in silence", async (_, conflict) => {
    const told: unknown[] = [];
    const { clock, source, seen, failures, metrics } = await aController([conflict, terminal()], {
      onFailure: (_key, { reason }, count) => void told.push([reason, count]),
    });
    source.add("a");
    await clock.advance(1000);
    expect(seen).toHaveLength(2);
    expect(told).toEqual([["SpecInvalid", 1]]);
    expect(failures().map((line) => line["level"])).toEqual(["debug", "error"]);
    expect(await metrics.metrics()).toContain('dp_reconciles_total{controller="test",result="conflict"} 1');
  });

  it.each([
    ["terminal", terminal, ["error", "debug"]],
    ["waiting", () => waiting(1e5), ["info", "debug"]],
    ["transient", transient, ["warn", "warn"]],
  ])("are logged by their kind, %s ones again only when that is news", async (_, failure, levels) => {
    const { clock, source, failures } = await aController([failure(), failure()]);
    source.add("ns/a");
    await clock.advance(0);
    source.add("ns/a");
    await clock.advance(0);
    expect(failures().map((line) => line["level"])).toEqual(levels);
    const { reason } = failure();
    expect(failures()[0]).toMatchObject({ controller: "test", namespace: "ns", name: "a", reason, failures: 1 });
  });
});

it("gives each reconcile a log of its own", async () => {
  const { clock, source, lines } = await aController([
    async ({ log }) => {
      log.info("hello");
      return done;
    },
  ]);
  source.add("ns/a");
  await clock.advance(0);
  expect(lines.find((line) => line["msg"] === "hello")).toMatchObject({ namespace: "ns", name: "a" });
});

it("measures reconciles by how they ended", async () => {
  const slow: Answer = () => Promise.resolve(done);
  const { clock, source, metrics } = await aController([slow, requeueAfter(1e6), terminal(), waiting(1e6)]);
  source.add("a", "b", "c", "d");
  await clock.advance(0);
  const text = await metrics.metrics();
  for (const result of ["done", "requeue", "terminal", "waiting"]) {
    expect(text).toContain(`dp_reconciles_total{controller="test",result="${result}"} 1`);
  }
  expect(text).toContain('dp_reconcile_duration_seconds_count{controller="test"} 4');
  expect(text).toContain('workqueue_adds_total{name="test"} 4');
});

it("never gives one key to two workers", async () => {
  const gate = Promise.withResolvers<Outcome>();
  const { clock, source, seen } = await aController([() => gate.promise]);
  source.add("a");
  await clock.advance(0);
  source.add("a", "b");
  await clock.advance(0);
  expect(seen).toEqual(["a@0", "b@0"]);
  gate.resolve(done);
  await clock.advance(0);
  expect(seen).toEqual(["a@0", "b@0", "a@0"]);
});

describe("sources", () => {
  it("are waited for before the first reconcile", async () => {
    const source = new HandFed();
    const synced = Promise.withResolvers<void>();
    source.synced = synced.promise;
    const { clock, seen } = await aController([], { sources: [source] });
    const subscribe = source.subscribe;
    source.subscribe = (add) => {
      add("listed");
      return subscribe(add);
    };
    await clock.advance(1000);
    expect(seen).toEqual([]);
    synced.resolve();
    await clock.advance(0);
    expect(seen).toEqual(["listed@1000"]);
  });

  it("that are not synced yet do not keep the controller from stopping", async () => {
    const source = new HandFed();
    source.synced = new Promise(() => undefined);
    const { stop, ended } = await aController([], { sources: [source] });
    stop.abort();
    expect(await ended).toBe("stopped");
    expect(source.ended).toBe(true);
  });

  it("that fail end the controller and the other sources with it", async () => {
    const other = new HandFed();
    const bad = new HandFed();
    const { ended } = await aController([], { sources: [other, bad] });
    bad.fail?.(new Error("no such thing"));
    expect(await ended).toBe("no such thing");
    expect([other.ended, other.listeners.size]).toEqual([true, 0]);
  });

  it("are waited for at the end too", async () => {
    const source = new HandFed();
    const { clock, stop, ended } = await aController([], { sources: [source] });
    const gate = Promise.withResolvers<void>();
    const slow = new HandFed();
    slow.run = async (signal) => {
      await aborted(signal);
      await gate.promise;
      slow.ended = true;
    };
    const other = await aController([], { sources: [slow] });
    other.stop.abort();
    stop.abort();
    expect(await ended).toBe("stopped");
    await clock.advance(0);
    expect(await Promise.race([other.ended, Promise.resolve("still stopping")])).toBe("still stopping");
    gate.resolve();
    expect(await other.ended).toBe("stopped");
    expect(slow.ended).toBe(true);
  });

  it("are looked through as a whole now and then, when asked for", async () => {
    const { clock, source, seen } = await aController([], { resyncMs: 60_000 });
    source.known = ["a", "b"];
    await clock.advance(120_000);
    expect(seen).toEqual(["a@60000", "b@60000", "a@120000", "b@120000"]);
  });
});

describe("stopping", () => {
  it("waits for reconciles under way, with their caches, and begins no other", async () => {
    const gate = Promise.withResolvers<Outcome>();
    const { clock, source, seen, stop, ended } = await aController([() => gate.promise], { workers: 1 });
    source.add("a", "b");
    await clock.advance(0);
    stop.abort();
    await clock.advance(14_000);
    expect([source.ended, source.listeners.size]).toEqual([false, 0]);
    gate.resolve(requeueAfter(1));
    expect(await ended).toBe("stopped");
    expect(seen).toEqual(["a@0"]);
    expect([source.ended, clock.waiting]).toEqual([true, 0]);
  });

  it("tells them to end when their time is over, and blames nobody", async () => {
    const told: unknown[] = [];
    const { clock, source, stop, ended, failures, metrics } = await aController(
      [
        async ({ signal }) => {
          await aborted(signal);
          throw new Error("cut off");
        },
      ],
      { drainMs: 3000, onFailure: (key) => void told.push(key) },
    );
    source.add("a");
    await clock.advance(0);
    stop.abort();
    await clock.advance(2999);
    expect(await metrics.metrics()).not.toContain('result="aborted"');
    await clock.advance(1);
    expect(await ended).toBe("stopped");
    expect([told, failures()]).toEqual([[], []]);
    expect(await metrics.metrics()).toContain('dp_reconciles_total{controller="test",result="aborted"} 1');
  });

  it("gives no time at all when leadership is lost", async () => {
    const { clock, source, stop, ended } = await aController([
      async ({ signal }) => {
        await aborted(signal);
        return done;
      },
    ]);
    source.add("a");
    await clock.advance(0);
    stop.abort(new Failure("terminal", "LeadershipLost", "somebody else leads"));
    expect(await ended).toBe("stopped");
    expect(clock.monotonic()).toBe(0);
  });

  it("works before the start and on the system's clock too", async () => {
    const controller = createController({
      name: "test",
      sources: [new HandFed()],
      reconcile: async () => done,
      log: silentLogger(),
      clock: systemClock,
    });
    await expect(controller.run(AbortSignal.abort())).resolves.toBeUndefined();
  });
});
