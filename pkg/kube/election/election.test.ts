import { Registry } from "prom-client";
import { describe, expect, it, onTestFinished } from "vitest";
import type { Lease } from "../../apis/core/index.ts";
import { createLogger, silentLogger } from "../../runtime/log/index.ts";
import { abortable, aborted, type ManualClock, manualClock } from "../../runtime/timing/index.ts";
import { ApiError } from "../client/index.ts";
import { createElection, type Election, type ElectionOptions } from "./index.ts";

type Client = ElectionOptions["client"];
type Fault = "none" | "refuse" | "hang" | (() => Promise<void>);

const refusal = (status: number, reason: string): ApiError =>
  new ApiError({ status, reason, message: reason, method: "PUT", path: "/lease" });

/** One Lease, as an API server keeps it: who writes an old version gets a conflict. */
class LeaseStore {
  lease: Lease | undefined;
  version = 0;
  readonly calls: string[] = [];

  /** What one contender uses; `fault` is what happens to it alone. */
  client(): { client: Client; fail(fault: Fault, after?: boolean): void } {
    let fault: Fault = "none";
    let answerLost = false;
    const answer = async <T>(call: string, work: () => T, signal?: AbortSignal): Promise<T> => {
      this.calls.push(call);
      if (fault === "refuse") throw refusal(500, "InternalError");
      if (fault === "hang" && !answerLost) await abortable(new Promise(() => undefined), signal);
      const result = work();
      if (typeof fault === "function") await fault();
      if (fault === "hang") await abortable(new Promise(() => undefined), signal);
      return result;
    };
    const client = {
      find: (_kind: unknown, _ref: unknown, options?: { signal?: AbortSignal }) =>
        answer("find", () => structuredClone(this.lease), options?.signal),
      create: (_kind: unknown, lease: Lease, options?: { signal?: AbortSignal }) =>
        answer("create", () => this.write(lease, this.lease === undefined, "AlreadyExists"), options?.signal),
      update: (_kind: unknown, lease: Lease, options?: { signal?: AbortSignal }) =>
        answer("update", () => this.write(lease, this.isCurrent(lease), "Conflict"), options?.signal),
    };
    return {
      client: client as unknown as Client,
      fail: (next, after = false) => {
        fault = next;
        answerLost = after;
      },
    };
  }

  isCurrent(lease: Lease): boolean {
    return lease.metadata.resourceVersion === this.lease?.metadata.resourceVersion;
  }

  write(lease: Lease, allowed: boolean, reason: string): Lease {
    if (!allowed) throw refusal(409, reason);
    this.version++;
    this.lease = structuredClone({ ...lease, metadata: { ...lease.metadata, resourceVersion: String(this.version) } });
    return structuredClone(this.lease);
  }

  /** Somebody changes the lease behind everybody's back. */
  change(spec: Lease["spec"] & {}, labels: Record<string, string> = {}): void {
    const { metadata = { name: "lock" }, spec: before } = this.lease ?? {};
    this.write({ metadata: { ...metadata, labels }, spec: { ...before, ...spec } }, true, "");
  }

  get spec(): Lease["spec"] & {} {
    return this.lease?.spec ?? {};
  }
}

interface Contender {
  readonly election: Election;
  readonly stop: AbortController;
  /** What happened to its work. */
  readonly seen: string[];
  readonly ended: Promise<string>;
  fail(fault: Fault, after?: boolean): void;
}

const quiet = silentLogger();
const start = Date.UTC(2030, 0, 1);

function contend(
  store: LeaseStore,
  clock: ManualClock,
  identity: string,
  options: Partial<ElectionOptions> = {},
  work?: (signal: AbortSignal) => Promise<void>,
): Contender {
  const { client, fail } = store.client();
  const stop = new AbortController();
  const seen: string[] = [];
  const election = createElection({
    client,
    name: "lock",
    namespace: "ns",
    identity,
    log: quiet,
    clock,
    ...options,
  });
  const ended = election
    .run(stop.signal, async (signal) => {
      seen.push(`leads@${clock.monotonic()}`);
      await (work ?? aborted)(signal);
      seen.push(`ends@${clock.monotonic()}`);
    })
    .then(
      () => "ended",
      (thrown: Error & { reason?: string }) => thrown.reason ?? thrown.message,
    );
  onTestFinished(async () => {
    stop.abort();
    await clock.advance(100_000);
    await ended;
  });
  return { election, stop, seen, ended, fail };
}

describe("a free lease", () => {
  it("is taken at once, in client-go's form, and renewed", async () => {
    const [store, clock] = [new LeaseStore(), manualClock()];
    const { election } = contend(store, clock, "a", { labels: { app: "x" } });
    await clock.advance(0);
    expect(election.isLeader()).toBe(true);
    expect(store.lease?.metadata.labels).toEqual({ app: "x" });
    const first = {
      holderIdentity: "a",
      leaseDurationSeconds: 15,
      leaseTransitions: 0,
      acquireTime: "2030-01-01T00:00:00.000000Z",
      renewTime: "2030-01-01T00:00:00.000000Z",
    };
    expect(store.spec).toEqual(first);
    await clock.advance(5000);
    expect(store.spec).toEqual({ ...first, renewTime: "2030-01-01T00:00:05.000000Z" });
    await clock.advance(300_000);
    expect(election.isLeader()).toBe(true);
    expect(store.spec).toEqual({ ...first, renewTime: "2030-01-01T00:05:05.000000Z" });
    // One request per renewal.
    expect(store.calls.slice(0, 2)).toEqual(["find", "create"]);
    expect(new Set(store.calls.slice(2))).toEqual(new Set(["update"]));
  });

  it("goes to one of those who want it at the same moment", async () => {
    const [store, clock] = [new LeaseStore(), manualClock()];
    const warnings: string[] = [];
    const log = createLogger({ name: "test", level: "warn", destination: { write: (line) => warnings.push(line) } });
    const contenders = ["a", "b", "c"].map((identity) => contend(store, clock, identity, { log }));
    await clock.advance(60_000);
    expect(warnings).toEqual([]);
    expect(contenders.filter(({ election }) => election.isLeader())).toHaveLength(1);
    expect(contenders.filter(({ seen }) => seen.length > 0)).toHaveLength(1);
  });

  it("is taken back by a holder that was started again, without waiting", async () => {
    const [store, clock] = [new LeaseStore(), manualClock()];
    store.change({ holderIdentity: "a", leaseDurationSeconds: 15, leaseTransitions: 4, acquireTime: "before" });
    const { election } = contend(store, clock, "a");
    await clock.advance(0);
    expect(election.isLeader()).toBe(true);
    expect(store.spec).toMatchObject({ leaseTransitions: 4, acquireTime: "before" });
  });

  it("says a whole number of seconds that is never shorter than what we count with", async () => {
    const [store, clock] = [new LeaseStore(), manualClock()];
    contend(store, clock, "a", { leaseDurationMs: 1200, renewDeadlineMs: 1000, retryPeriodMs: 100 });
    await clock.advance(0);
    expect(store.spec.leaseDurationSeconds).toBe(2);
  });
});

describe("a held lease", () => {
  it("is waited for: the holder's own duration from its last sign of life, by our clock", async () => {
    const store = new LeaseStore();
    const clock = manualClock();
    // Its clock is a day ahead, or a year behind: that does not matter.
    const holder = { holderIdentity: "other", leaseDurationSeconds: 30, leaseTransitions: 2 };
    store.change({ ...holder, renewTime: "2029-01-01T00:00:00.000000Z" });
    const { election } = contend(store, clock, "a");
    await clock.advance(20_000);
    store.change({ ...holder, renewTime: "2029-01-01T00:00:20.000000Z" });
    await clock.advance(30_000);
    expect(election.isLeader()).toBe(false);
    await clock.advance(13_000);
    expect(election.isLeader()).toBe(true);
    expect(store.spec).toMatchObject({ holderIdentity: "a", leaseDurationSeconds: 15, leaseTransitions: 3 });
    expect(Date.parse(store.spec.acquireTime ?? "")).toBeGreaterThan(start + 50_000);
  });

  it("is not kept alive by somebody who only puts a label on it", async () => {
    const [store, clock] = [new LeaseStore(), manualClock()];
    store.change({ holderIdentity: "other", leaseDurationSeconds: 15 });
    const { election } = contend(store, clock, "a");
    await clock.advance(12_000);
    store.change({}, { touched: "yes" });
    await clock.advance(10_000);
    expect(election.isLeader()).toBe(true);
    expect(store.lease?.metadata.labels).toEqual({ touched: "yes" });
  });

  it("passes on at the next try when its holder ends, and after its duration when the holder vanishes", async () => {
    const [store, clock] = [new LeaseStore(), manualClock()];
    const a = contend(store, clock, "a");
    await clock.advance(0);
    const b = contend(store, clock, "b");
    await clock.advance(60_000);
    expect(b.election.isLeader()).toBe(false);
    a.stop.abort();
    await clock.advance(6000);
    expect(b.election.isLeader()).toBe(true);
    expect(store.spec).toMatchObject({ holderIdentity: "b", leaseTransitions: 1 });
    const c = contend(store, clock, "c");
    await clock.advance(0);
    b.fail("refuse");
    b.stop.abort();
    await clock.advance(9000);
    expect(c.election.isLeader()).toBe(false);
    await clock.advance(12_000);
    expect(c.election.isLeader()).toBe(true);
  });
});

describe("a leader", () => {
  it("survives somebody else's harmless change, and a lease that was deleted", async () => {
    const [store, clock] = [new LeaseStore(), manualClock()];
    const { election, seen } = contend(store, clock, "a", { labels: { app: "x" } });
    await clock.advance(0);
    store.change({ strategy: "OldestEmulationVersion" } as object, { touched: "yes" });
    await clock.advance(5000);
    expect(store.spec).toMatchObject({ renewTime: "2030-01-01T00:00:05.000000Z", strategy: "OldestEmulationVersion" });
    expect(store.lease?.metadata.labels).toEqual({ app: "x", touched: "yes" });
    store.lease = undefined;
    await clock.advance(5000);
    expect(store.spec).toMatchObject({ holderIdentity: "a" });
    expect([election.isLeader(), seen]).toEqual([true, ["leads@0"]]);
  });

  it.each(["refuse", "hang"] as const)("survives a server that is away for a while (%s)", async (fault) => {
    const [store, clock] = [new LeaseStore(), manualClock()];
    const { election, seen, fail } = contend(store, clock, "a");
    await clock.advance(1);
    fail(fault);
    await clock.advance(9500);
    fail("none");
    await clock.advance(100_000);
    expect([election.isLeader(), seen]).toEqual([true, ["leads@0"]]);
  });

  it.each(["refuse", "hang"] as const)(
    "that cannot renew ends its work before anybody else may begin (%s)",
    async (fault) => {
      const [store, clock] = [new LeaseStore(), manualClock()];
      const { election, seen, fail, ended } = contend(store, clock, "a");
      await clock.advance(0);
      const other = contend(store, clock, "b", { retryPeriodMs: 100 });
      await clock.advance(22_000);
      fail(fault);
      await clock.advance(40_000);
      expect(await ended).toBe("LeadershipLost");
      const at = (text: string | undefined): number => Number(text?.split("@")[1]);
      expect(seen).toHaveLength(2);
      // Renewed last at 20 s, for 15 s.
      expect(at(seen[1])).toBeLessThanOrEqual(34_000);
      expect(at(other.seen[0])).toBeGreaterThanOrEqual(35_000);
      expect([election.isLeader(), other.election.isLeader()]).toEqual([false, true]);
    },
  );

  it("counts from when it asked, not from when it was answered", async () => {
    const [store, clock] = [new LeaseStore(), manualClock()];
    const { seen, fail, ended } = contend(store, clock, "a");
    await clock.advance(1);
    fail(() => clock.sleep(4000));
    await clock.advance(7000);
    fail("refuse");
    await clock.advance(60_000);
    expect(await ended).toBe("LeadershipLost");
    // Asked at 5 s, answered at 9 s; others saw it at 5 s.
    expect(seen).toEqual(["leads@0", "ends@18500"]);
  });

  it("gives up at the renew deadline when that comes first", async () => {
    const [store, clock] = [new LeaseStore(), manualClock()];
    const { seen, fail, ended } = contend(store, clock, "a", { leaseDurationMs: 60_000 });
    await clock.advance(0);
    fail("refuse");
    await clock.advance(60_000);
    expect(await ended).toBe("LeadershipLost");
    expect(seen).toEqual(["leads@0", "ends@15000"]);
  });

  it("whose lease was taken away stops at its next renewal, and leaves the lease to the other", async () => {
    const [store, clock] = [new LeaseStore(), manualClock()];
    const { seen, ended, election } = contend(store, clock, "a");
    await clock.advance(1000);
    store.change({ holderIdentity: "thief", renewTime: "now" });
    await clock.advance(4000);
    expect(await ended).toBe("LeadershipLost");
    expect(seen).toEqual(["leads@0", "ends@5000"]);
    expect([election.isLeader(), store.spec.holderIdentity]).toEqual([false, "thief"]);
  });
});

it.each([
  ["lost to another", true, 5000],
  ["not renewed", false, 15_000],
])("work that goes on although the lease is %s is left to itself in time", async (_, stolen, at) => {
  const [store, clock] = [new LeaseStore(), manualClock()];
  const { ended, fail } = contend(store, clock, "a", {}, () => new Promise(() => undefined));
  await clock.advance(0);
  if (stolen) store.change({ holderIdentity: "thief" });
  else fail("refuse");
  const rejectedAt = ended.then(() => clock.monotonic());
  await clock.advance(60_000);
  expect(await ended).toBe("LeadershipLost");
  expect(await rejectedAt).toBe(at);
});

describe("stopping", () => {
  it("leaves a lease alone that somebody else has taken meanwhile", async () => {
    const [store, clock] = [new LeaseStore(), manualClock()];
    const { stop, ended } = contend(store, clock, "a");
    await clock.advance(0);
    store.change({ holderIdentity: "thief" });
    stop.abort();
    expect(await ended).toBe("ended");
    expect(store.spec.holderIdentity).toBe("thief");
  });

  it("releases the lease after the work, which is covered to its end", async () => {
    const [store, clock] = [new LeaseStore(), manualClock()];
    const gate = Promise.withResolvers<void>();
    const { stop, ended, election } = contend(store, clock, "a", {}, () => gate.promise);
    await clock.advance(0);
    const other = contend(store, clock, "b");
    stop.abort();
    await clock.advance(60_000);
    expect([election.isLeader(), other.election.isLeader()]).toEqual([true, false]);
    gate.resolve();
    expect(await ended).toBe("ended");
    expect(election.isLeader()).toBe(false);
    expect(store.spec).toMatchObject({
      holderIdentity: "",
      leaseDurationSeconds: 1,
      leaseTransitions: 0,
      renewTime: "2030-01-01T00:01:00.000000Z",
    });
    await clock.advance(6000);
    expect(other.election.isLeader()).toBe(true);
  });

  it("before it became leader begins nothing", async () => {
    const [store, clock] = [new LeaseStore(), manualClock()];
    store.change({ holderIdentity: "other", leaseDurationSeconds: 3600 });
    const { stop, ended, seen } = contend(store, clock, "a");
    await clock.advance(30_000);
    stop.abort();
    expect([await ended, seen, store.spec.holderIdentity]).toEqual(["ended", [], "other"]);
    expect(clock.waiting).toBe(0);
  });

  it("gives back a lease that it may have taken without learning of it", async () => {
    const [store, clock] = [new LeaseStore(), manualClock()];
    store.change({ holderIdentity: "" });
    const { stop, ended, fail, seen } = contend(store, clock, "a");
    fail("hang", true);
    await clock.advance(0);
    // The find hung; the next try's update arrives, its answer does not.
    store.change({ holderIdentity: "a" });
    stop.abort();
    fail("none");
    await clock.advance(0);
    expect(await ended).toBe("ended");
    expect([seen, store.spec.holderIdentity]).toEqual([[], ""]);
  });

  it("does not hang on a server that is away", async () => {
    const [store, clock] = [new LeaseStore(), manualClock()];
    const { stop, ended, fail } = contend(store, clock, "a");
    await clock.advance(0);
    fail("hang");
    stop.abort();
    await clock.advance(10_000);
    expect(await ended).toBe("ended");
    expect(store.spec.holderIdentity).toBe("a");
  });
});

describe("work", () => {
  it("that ends by itself ends the leadership", async () => {
    const [store, clock] = [new LeaseStore(), manualClock()];
    const { ended } = contend(store, clock, "a", {}, async () => undefined);
    await clock.advance(0);
    expect(await ended).toBe("ended");
    expect(store.spec.holderIdentity).toBe("");
  });

  it.each([
    ["while leading", false],
    ["while stopping", true],
  ])("that fails %s fails the run, and the lease is released", async (_, stopping) => {
    const [store, clock] = [new LeaseStore(), manualClock()];
    const gate = Promise.withResolvers<void>();
    const { ended, stop } = contend(store, clock, "a", {}, () => gate.promise);
    await clock.advance(0);
    if (stopping) stop.abort();
    gate.reject(new Error("broken"));
    expect(await ended).toBe("broken");
    expect(store.spec.holderIdentity).toBe("");
  });

  it("that ends for the reason of the stop ends well", async () => {
    const [store, clock] = [new LeaseStore(), manualClock()];
    const { ended, stop } = contend(store, clock, "a", {}, async (signal) => {
      await aborted(signal);
      throw signal.reason;
    });
    await clock.advance(0);
    stop.abort(new Error("SIGTERM"));
    expect(await ended).toBe("ended");
  });
});

describe("what others see", () => {
  it("is client-go's metric", async () => {
    const [store, clock, metrics] = [new LeaseStore(), manualClock(), new Registry()];
    const { stop, ended } = contend(store, clock, "a", { metrics });
    const status = async (): Promise<string | undefined> =>
      /leader_election_master_status\{name="lock"\} (\d)/.exec(await metrics.metrics())?.[1];
    expect(await status()).toBe("0");
    await clock.advance(0);
    expect(await status()).toBe("1");
    stop.abort();
    await ended;
    expect(await status()).toBe("0");
  });

  it("are events on the lease", async () => {
    const [store, clock] = [new LeaseStore(), manualClock()];
    const told: unknown[] = [];
    const events: ElectionOptions["events"] = {
      event: ({ kind, apiVersion, metadata }, ...rest) => void told.push([apiVersion, kind, metadata.name, ...rest]),
    };
    const { stop, ended } = contend(store, clock, "a", { events });
    await clock.advance(0);
    stop.abort();
    await ended;
    const about = ["coordination.k8s.io/v1", "Lease", "lock", "Normal", "LeaderElection"];
    expect(told).toEqual([
      [...about, "a became leader"],
      [...about, "a stopped leading"],
    ]);
  });

  it("is who leads instead, once", async () => {
    const [store, clock] = [new LeaseStore(), manualClock()];
    store.change({ holderIdentity: "other", leaseDurationSeconds: 3600 });
    const lines: Record<string, unknown>[] = [];
    const write = (line: string): void => void lines.push(JSON.parse(line) as Record<string, unknown>);
    contend(store, clock, "a", { log: createLogger({ name: "test", destination: { write } }) });
    await clock.advance(60_000);
    expect(lines.map(({ msg, holder, lease }) => [msg, holder, lease])).toEqual([
      ["somebody else leads", "other", "ns/lock"],
    ]);
  });

  it("is a problem only when a leader is stuck long after its lease", async () => {
    const [store, clock] = [new LeaseStore(), manualClock()];
    const { election } = contend(store, clock, "a");
    await clock.advance(30_000);
    expect(election.problem()).toBeUndefined();
    // The process was frozen: time went on, nothing ran.
    const now = clock.monotonic();
    clock.monotonic = () => now + 36_000;
    expect(election.problem()).toContain("failed election to renew leadership on lease lock: last renewed 36 s ago");
    clock.monotonic = () => now + 34_000;
    expect(election.problem()).toBeUndefined();
    clock.monotonic = () => now;
  });
});

it.each([
  ["no identity", { identity: "" }, "identity is empty"],
  ["a lease as short as the deadline", { leaseDurationMs: 10_000 }, "must outlast"],
  ["a deadline as short as the pauses", { renewDeadlineMs: 6000 }, "longer than 1.2 retry periods"],
  ["no pause", { retryPeriodMs: 0 }, "longer than 0"],
])("refuses %s", (_, options, message) => {
  const { client } = new LeaseStore().client();
  const all = { client, name: "lock", namespace: "ns", identity: "a", log: quiet, ...options };
  expect(() => createElection(all)).toThrow(message);
});
