import { Registry } from "prom-client";
import { describe, expect, it, onTestFinished } from "vitest";
import type { Event } from "../../apis/core/index.ts";
import type { KubeObject } from "../../apis/schema/index.ts";
import { createLogger } from "../../runtime/log/index.ts";
import { abortable, manualClock } from "../../runtime/timing/index.ts";
import { ApiError } from "../client/index.ts";
import { createRecorder, type RecorderOptions } from "./index.ts";

const refusal = (status: number, reason: string, details: object = {}): ApiError =>
  new ApiError({ status, reason, message: reason, method: "POST", path: "/events", details });

type Fault = (call: string, signal?: AbortSignal) => unknown;

/** Events as an API server keeps them. */
class EventStore {
  readonly events = new Map<string, Event>();
  readonly calls: string[] = [];
  /** Throws, waits, or lets pass. */
  fault: Fault = () => undefined;

  readonly client = {
    create: async (_kind: unknown, event: Event, { signal }: { signal?: AbortSignal } = {}) => {
      const { name = "", namespace } = event.metadata;
      const key = `${namespace}/${name}`;
      this.calls.push("create");
      await this.fault("create", signal);
      if (this.events.has(key)) throw refusal(409, "AlreadyExists");
      this.events.set(key, event);
      await this.fault("created", signal);
      return event;
    },
    patch: async (
      _kind: unknown,
      { name, namespace }: { name: string; namespace: string },
      { body }: { body: object },
      { signal }: { signal?: AbortSignal } = {},
    ) => {
      this.calls.push("patch");
      await this.fault("patch", signal);
      const key = `${namespace}/${name}`;
      const known = this.events.get(key);
      if (known === undefined) throw refusal(404, "NotFound");
      const event = { ...known, ...body };
      this.events.set(key, event);
      return event;
    },
  } as unknown as RecorderOptions["client"];

  get all(): Event[] {
    return [...this.events.values()];
  }
}

function aRecorder(options: Partial<RecorderOptions> = {}) {
  const store = new EventStore();
  const clock = manualClock(Date.UTC(2030, 0, 1, 0, 0, 0, 500));
  const metrics = new Registry();
  const lines: Record<string, unknown>[] = [];
  const log = createLogger({
    name: "test",
    level: "debug",
    destination: { write: (line) => lines.push(JSON.parse(line) as Record<string, unknown>) },
  });
  const { client } = store;
  const recorder = createRecorder({ client, component: "csi-snapshotter x", log, clock, metrics, ...options });
  onTestFinished(async () => {
    const closed = recorder.close(0);
    await clock.advance(60_000);
    await closed;
  });
  const counted = async (result: string): Promise<number> =>
    Number(new RegExp(`dp_events_total\\{result="${result}"\\} (\\d+)`).exec(await metrics.metrics())?.[1] ?? 0);
  const warnings = () => lines.filter((line) => line["level"] === "warn").map((line) => line["msg"]);
  return { store, clock, recorder, lines, warnings, counted };
}

const object: KubeObject = {
  apiVersion: "snapshot.storage.k8s.io/v1",
  kind: "VolumeSnapshot",
  metadata: { name: "snap", namespace: "ns", uid: "u-1", resourceVersion: "7" },
};

describe("an event", () => {
  it("is written as client-go writes it", async () => {
    const { store, recorder } = aRecorder({ host: "node-1" });
    recorder.event(object, "Warning", "SnapshotBindFailed", "no such content");
    await recorder.flush();
    expect(store.all).toEqual([
      {
        metadata: { name: expect.stringMatching(/^snap\.[0-9a-f]{16}$/), namespace: "ns" },
        involvedObject: {
          apiVersion: "snapshot.storage.k8s.io/v1",
          kind: "VolumeSnapshot",
          namespace: "ns",
          name: "snap",
          uid: "u-1",
          resourceVersion: "7",
        },
        reason: "SnapshotBindFailed",
        message: "no such content",
        type: "Warning",
        count: 1,
        firstTimestamp: "2030-01-01T00:00:00Z",
        lastTimestamp: "2030-01-01T00:00:00Z",
        source: { component: "csi-snapshotter x", host: "node-1" },
        reportingComponent: "csi-snapshotter x",
        reportingInstance: "node-1",
      },
    ]);
    const stamp = BigInt(`0x${store.all[0]?.metadata.name?.slice(5)}`);
    expect(stamp / 1_000_000n).toBe(BigInt(Date.UTC(2030, 0, 1, 0, 0, 0, 500)));
  });

  it("of a cluster-scoped object lives in the namespace default", async () => {
    const { store, recorder } = aRecorder();
    recorder.event({ ...object, metadata: { name: "content" } }, "Normal", "Made", "x");
    await recorder.flush();
    expect(store.all[0]?.metadata.namespace).toBe("default");
    expect(store.all[0]?.involvedObject).not.toHaveProperty("namespace");
    expect(store.all[0]?.source).toEqual({ component: "csi-snapshotter x" });
  });

  it.each(["system:admin", "n".repeat(250)])("of an object whose name is no name for an event: %s", async (name) => {
    const { store, recorder } = aRecorder();
    recorder.event({ ...object, metadata: { ...object.metadata, name } }, "Normal", "Made", "x");
    await recorder.flush();
    expect(store.all[0]?.metadata.name).toMatch(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
    expect(store.all[0]?.involvedObject.name).toBe(name);
  });

  it("has at most 1024 bytes of message, and no half characters", async () => {
    const { store, recorder } = aRecorder();
    recorder.event(object, "Normal", "Fits", "x".repeat(1024));
    recorder.event(object, "Normal", "Long", `xx${"ü".repeat(600)}`);
    await recorder.flush();
    const [fits, long] = store.all.map((event) => event.message ?? "");
    expect(fits).toBe("x".repeat(1024));
    expect(long).toBe(`xx${"ü".repeat(509)}…`);
    expect(Buffer.byteLength(long ?? "")).toBeLessThanOrEqual(1024);
  });

  it("about nothing in particular is not written", () => {
    const { recorder, warnings } = aRecorder();
    recorder.event({ metadata: { name: "x" } }, "Normal", "Made", "x");
    expect(warnings()).toEqual(["event about an object without kind or name"]);
  });
});

describe("repeated events", () => {
  it("are counted on the first", async () => {
    const { store, clock, recorder } = aRecorder();
    recorder.event(object, "Normal", "Waiting", "not yet");
    await clock.advance(60_000);
    recorder.event(
      { ...object, metadata: { ...object.metadata, resourceVersion: "9" } },
      "Normal",
      "Waiting",
      "not yet",
    );
    recorder.event(object, "Normal", "Waiting", "not yet");
    await recorder.flush();
    expect(store.calls).toEqual(["create", "patch", "patch"]);
    expect(store.all).toHaveLength(1);
    expect(store.all[0]).toMatchObject({
      count: 3,
      firstTimestamp: "2030-01-01T00:00:00Z",
      lastTimestamp: "2030-01-01T00:01:00Z",
    });
  });

  it.each([
    ["type", object, "Warning", "Waiting", "not yet"],
    ["reason", object, "Normal", "Other", "not yet"],
    ["message", object, "Normal", "Waiting", "still not"],
    ["object", { ...object, metadata: { ...object.metadata, uid: "u-2" } }, "Normal", "Waiting", "not yet"],
  ] as const)("are not those that differ in %s", async (_, other, type, reason, message) => {
    const { store, recorder } = aRecorder();
    recorder.event(object, "Normal", "Waiting", "not yet");
    recorder.event(other, type, reason, message);
    await recorder.flush();
    expect(store.all.map((event) => event.count)).toEqual([1, 1]);
  });

  it("begin anew when the first has expired, with what was counted", async () => {
    const { store, recorder } = aRecorder();
    recorder.event(object, "Normal", "Waiting", "not yet");
    await recorder.flush();
    store.events.clear();
    recorder.event(object, "Normal", "Waiting", "not yet");
    recorder.event(object, "Normal", "Waiting", "not yet");
    await recorder.flush();
    expect(store.calls).toEqual(["create", "patch", "create", "patch"]);
    expect(store.all.map((event) => event.count)).toEqual([3]);
  });
});

describe("floods", () => {
  it("of messages for one reason become one combined event from the tenth on", async () => {
    const { store, recorder } = aRecorder();
    for (let n = 1; n <= 14; n++) recorder.event(object, "Warning", "Failed", `try ${n}`);
    recorder.event(object, "Warning", "Failed", "try 1");
    await recorder.flush();
    expect(store.all).toHaveLength(10);
    expect(store.all.at(-1)).toMatchObject({ message: "(combined from similar events): try 14", count: 5 });
    expect(store.all[0]).toMatchObject({ message: "try 1", count: 2 });
  });

  it("are forgotten after ten quiet minutes", async () => {
    const { store, clock, recorder } = aRecorder();
    for (let n = 1; n <= 9; n++) recorder.event(object, "Warning", "Failed", `try ${n}`);
    await clock.advance(600_001);
    recorder.event(object, "Warning", "Failed", "try 10");
    await recorder.flush();
    expect(store.all.at(-1)?.message).toBe("try 10");
  });

  it("go on as long as none of the pauses lasts ten minutes", async () => {
    const { store, clock, recorder } = aRecorder();
    for (let n = 1; n <= 10; n++) {
      recorder.event(object, "Warning", "Failed", `try ${n}`);
      await clock.advance(400_000);
    }
    await recorder.flush();
    expect(store.all.at(-1)?.message).toBe("(combined from similar events): try 10");
  });

  it("may begin only so big, however long it was quiet before", async () => {
    const { store, clock, recorder } = aRecorder();
    recorder.event(object, "Warning", "Failed", "same");
    await clock.advance(1e9);
    for (let n = 0; n < 30; n++) recorder.event(object, "Warning", "Failed", "same");
    await recorder.flush();
    expect(store.calls).toHaveLength(1 + 25);
  });

  it("stay within the limit for a message", async () => {
    const { store, recorder } = aRecorder();
    for (let n = 1; n <= 10; n++) recorder.event(object, "Warning", "Failed", `${n}`.repeat(1000));
    await recorder.flush();
    expect(store.all.at(-1)?.message).toMatch(/^\(combined from similar events\): 1010/);
    expect(Buffer.byteLength(store.all.at(-1)?.message ?? "")).toBeLessThanOrEqual(1024);
  });

  it("about one object are cut off after 25, one more every five minutes; others are not", async () => {
    const { store, clock, recorder, counted } = aRecorder();
    for (let n = 0; n < 30; n++) recorder.event(object, "Warning", "Failed", "same");
    recorder.event(object, "Normal", "Fine", "other type");
    recorder.event({ ...object, metadata: { ...object.metadata, name: "b" } }, "Warning", "Failed", "other object");
    await recorder.flush();
    expect(store.calls).toHaveLength(27);
    await clock.advance(300_000);
    recorder.event(object, "Warning", "Failed", "same");
    recorder.event(object, "Warning", "Failed", "same");
    await recorder.flush();
    expect(store.calls).toHaveLength(28);
    expect(store.all[0]?.count).toBe(31);
    expect([await counted("written"), await counted("limited")]).toEqual([28, 6]);
  });

  it("beyond what may wait are dropped, and told of once", async () => {
    const { store, recorder, warnings, counted } = aRecorder();
    const flood = async (round: string): Promise<void> => {
      for (let n = 0; n < 1010; n++) {
        recorder.event({ ...object, metadata: { name: `${round}${n}`, namespace: "ns" } }, "Normal", "Made", "x");
      }
      await recorder.flush();
    };
    await flood("a");
    expect(store.all).toHaveLength(1000);
    expect([await counted("written"), await counted("dropped")]).toEqual([1000, 10]);
    expect(warnings()).toEqual(["too many events wait to be written, dropping"]);
    // Those that were written make room for others, and another flood is news.
    await flood("b");
    expect(store.all).toHaveLength(2000);
    expect(warnings()).toHaveLength(2);
  });
});

describe("a server", () => {
  it("that refuses is asked once, and complained of once until it takes an event", async () => {
    const { store, recorder, warnings, counted } = aRecorder();
    store.fault = () => Promise.reject(refusal(403, "Forbidden"));
    recorder.event(object, "Normal", "A", "x");
    recorder.event(object, "Normal", "B", "x");
    await recorder.flush();
    expect(store.calls).toEqual(["create", "create"]);
    expect(warnings()).toEqual(["event not written"]);
    expect(await counted("dropped")).toBe(2);
    store.fault = () => undefined;
    recorder.event(object, "Normal", "A", "x");
    await recorder.flush();
    expect(store.all[0]).toMatchObject({ reason: "A", count: 2 });
    store.fault = () => Promise.reject(refusal(403, "Forbidden"));
    recorder.event(object, "Normal", "A", "x");
    await recorder.flush();
    expect(warnings()).toHaveLength(2);
  });

  it("that ends the namespace is not complained of", async () => {
    const { store, recorder, lines, warnings } = aRecorder();
    const details = { causes: [{ reason: "NamespaceTerminating" }] };
    store.fault = () => Promise.reject(refusal(403, "Forbidden", details));
    recorder.event(object, "Normal", "A", "x");
    await recorder.flush();
    expect(warnings()).toEqual([]);
    expect(lines.map((line) => line["msg"])).toEqual(["event not written"]);
  });

  it("that is away is asked again, a few times", async () => {
    const { store, clock, recorder, warnings } = aRecorder();
    store.fault = () => Promise.reject(refusal(503, "ServiceUnavailable"));
    recorder.event(object, "Normal", "A", "x");
    await clock.advance(1000);
    expect(store.calls).toHaveLength(2);
    store.fault = () => undefined;
    await clock.advance(1000);
    await recorder.flush();
    expect(store.all).toHaveLength(1);
    store.fault = () => Promise.reject(refusal(503, "ServiceUnavailable"));
    recorder.event(object, "Normal", "B", "x");
    await clock.advance(1e6);
    expect(store.calls).toHaveLength(3 + 6);
    expect(warnings()).toEqual(["event not written"]);
  });

  it("whose answer was lost does not get the event twice", async () => {
    const { store, clock, recorder } = aRecorder();
    store.fault = (call) => (call === "created" ? Promise.reject(refusal(500, "InternalError")) : undefined);
    recorder.event(object, "Normal", "A", "x");
    await clock.advance(0);
    store.fault = () => undefined;
    await clock.advance(10_000);
    recorder.event(object, "Normal", "A", "x");
    await recorder.flush();
    expect(store.all.map((event) => event.count)).toEqual([2]);
  });
});

describe("the end", () => {
  it("waits for what was told before, and takes nothing more", async () => {
    const { store, recorder, counted } = aRecorder();
    for (let n = 0; n < 20; n++) recorder.event(object, "Normal", `R${n}`, "x");
    const closed = recorder.close();
    recorder.event(object, "Normal", "Late", "x");
    await closed;
    recorder.event(object, "Normal", "Later", "x");
    await recorder.flush();
    expect(store.all).toHaveLength(20);
    expect(await counted("dropped")).toBe(0);
  });

  it("waits no longer than it is told, and says what was lost", async () => {
    const { store, clock, recorder, warnings, counted } = aRecorder();
    store.fault = (_call, signal) => abortable(new Promise(() => undefined), signal);
    for (let n = 0; n < 3; n++) recorder.event(object, "Normal", `R${n}`, "x");
    const closed = recorder.close(2000);
    await clock.advance(1999);
    expect(warnings()).toEqual([]);
    await clock.advance(1);
    await closed;
    expect(warnings()).toEqual(["events not written before the end"]);
    expect([store.calls.length, await counted("dropped")]).toEqual([1, 3]);
  });
});
