import { describe, expect, test } from "vitest";
import { ConfigMap } from "../../apis/core/index.ts";
import { Failure } from "../../runtime/errors/index.ts";
import { silentLogger } from "../../runtime/log/index.ts";
import { manualClock } from "../../runtime/timing/index.ts";
import { ApiError, type KubeClient, type WatchEvent } from "../client/index.ts";
import type { InformerState } from "./informer.ts";
import { Reflector } from "./reflector.ts";

type Step = "end" | Error | readonly WatchEvent<ConfigMap>[];

const event = (name: string, resourceVersion: string): WatchEvent<ConfigMap> => ({
  type: "ADDED",
  object: { metadata: { name, resourceVersion } },
});
const refusal = (status: number): ApiError =>
  new ApiError({ status, reason: "Planted", message: "planted", method: "GET", path: "/" });
const lost = new Failure("transient", "ApiServerUnreachable", "planted");
const broken = new Failure("transient", "WatchBroken", "planted");

/** Runs a reflector against a server that answers its watches as told, then keeps the last one open. */
async function run(steps: readonly Step[]) {
  const manual = manualClock();
  const pausesMs: number[] = [];
  const clock = {
    ...manual,
    sleep: (ms: number, signal?: AbortSignal) => {
      pausesMs.push(ms);
      return manual.sleep(ms, signal);
    },
  };
  let current = 0;
  const told: string[] = [];
  const states: InformerState[] = [];
  const stop = new AbortController();
  const finished = Promise.withResolvers<void>();
  const left = [...steps];
  let lists = 0;
  const client: Pick<KubeClient, "list" | "watch"> = {
    list: async () => {
      lists++;
      told.push("list");
      return { metadata: { resourceVersion: `list-${lists}` }, items: [] };
    },
    watch: async function* (_kind, options) {
      told.push(`watch ${options?.resourceVersion}`);
      const step = left.shift();
      if (step instanceof Error) throw step;
      options?.onOpen?.();
      if (step === undefined) {
        finished.resolve();
        await new Promise((resolve) => stop.signal.addEventListener("abort", resolve, { once: true }));
      } else if (step !== "end") for (const each of step) yield each as never;
    },
  };
  const nothing = (): void => undefined;
  const reflector = new Reflector<ConfigMap>({
    client,
    kind: ConfigMap,
    namespace: undefined,
    labelSelector: undefined,
    fieldSelector: undefined,
    mirror: {
      replace: nothing,
      put: (object) => told.push(`put ${object.metadata.name}`),
      remove: nothing,
      current: () => {
        current += 1;
      },
      state: (state) => states.push(state),
    },
    transform: (object) => object,
    log: silentLogger(),
    meter: { listed: nothing, watched: nothing, remove: nothing },
    clock,
    pageSize: 500,
    minDelayMs: 800,
    maxDelayMs: 30_000,
    recheckMs: 30_000,
  });
  const running = reflector.run(stop.signal);
  let over = false;
  void finished.promise.then(() => {
    over = true;
  });
  while (!over) await manual.advance(1000);
  stop.abort();
  await running;
  return { told, states, current, pausesMs, ms: manual.monotonic() };
}

describe("where a watch goes on", () => {
  test("a watch that ends is resumed after its last event", async () => {
    const { told } = await run([[event("a", "5"), event("b", "6")]]);
    expect(told).toEqual(["list", "watch list-1", "put a", "put b", "watch 6"]);
  });

  test("a network that stays broken never costs a list", async () => {
    const { told } = await run([lost, lost, lost, lost, lost]);
    expect(told).toEqual(["list", ...Array<string>(6).fill("watch list-1")]);
  });

  test.each([
    ["a line that stays broken", broken],
    ["a server that keeps failing", refusal(500)],
  ])("%s is given up for a new list", async (_what, step) => {
    const { told } = await run([step, step, step]);
    expect(told).toEqual(["list", "watch list-1", "watch list-1", "watch list-1", "list", "watch list-2"]);
  });

  test("an expired version leads to a list at once, but not in a tight circle", async () => {
    const once = await run([refusal(410)]);
    expect(once.told).toEqual(["list", "watch list-1", "list", "watch list-2"]);
    expect(once.ms).toBeLessThanOrEqual(1000);
    const often = await run(Array<Error>(8).fill(refusal(410)));
    expect(often.ms).toBeGreaterThan(20_000);
  });

  test("watches that end at once without a word are slowed down", async () => {
    const { ms } = await run(Array<Step>(8).fill("end"));
    expect(ms).toBeGreaterThan(20_000);
  });

  test("a bookmark moves the place to resume from", async () => {
    const bookmark: WatchEvent<ConfigMap> = { type: "BOOKMARK", object: { metadata: { resourceVersion: "99" } } };
    expect((await run([[bookmark]])).told).toEqual(["list", "watch list-1", "watch 99"]);
  });
});

test.each([
  [403, "forbidden"],
  [404, "absent"],
])("after a %i the state is %s until a watch is accepted, not only a list", async (code, state) => {
  const { states, ms } = await run([refusal(code), refusal(code)]);
  expect(states).toEqual(["listing", "synced", state, state, "synced", "idle"]);
  expect(ms).toBeGreaterThanOrEqual(60_000);
});

test("every event and bookmark says that the cache is current, as a list does", async () => {
  const bookmark: WatchEvent<ConfigMap> = { type: "BOOKMARK", object: { metadata: { resourceVersion: "99" } } };
  expect((await run([[event("a", "5"), bookmark]])).current).toBe(3);
});

test("many that lose one server do not come back at one moment", async () => {
  const firstPauses = await Promise.all(Array.from({ length: 12 }, async () => (await run([lost])).pausesMs[0]));
  expect(new Set(firstPauses).size).toBeGreaterThan(6);
  for (const pauseMs of firstPauses) {
    expect(pauseMs).toBeGreaterThanOrEqual(400);
    expect(pauseMs).toBeLessThanOrEqual(800);
  }
});
