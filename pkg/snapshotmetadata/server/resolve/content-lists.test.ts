import { expect, it } from "vitest";
import type { VolumeSnapshotContent } from "../../../apis/snapshot/index.ts";
import { manualClock } from "../../../runtime/timing/index.ts";
import { contentLists } from "./content-lists.ts";

const content = (name: string, handle: string): VolumeSnapshotContent => ({
  metadata: { name },
  spec: { driver: "d", deletionPolicy: "Delete", source: { snapshotHandle: handle }, volumeSnapshotRef: {} },
});

const { signal } = new AbortController();

function setUp() {
  const clock = manualClock();
  const begun: PromiseWithResolvers<VolumeSnapshotContent[]>[] = [];
  const list = (stop: AbortSignal): Promise<VolumeSnapshotContent[]> => {
    const answer = Promise.withResolvers<VolumeSnapshotContent[]>();
    begun.push(answer);
    stop.addEventListener("abort", () => answer.reject(stop.reason), { once: true });
    return answer.promise;
  };
  return { clock, begun, lists: contentLists({ list, shareMs: 2_000, clock }) };
}

const named = (contents: readonly VolumeSnapshotContent[]): (string | undefined)[] =>
  contents.map(({ metadata }) => metadata.name);

it("one list serves all who come while it is on its way, and for a while after", async () => {
  const { clock, begun, lists } = setUp();
  const early = [lists.recent("h", signal), lists.recent("other", signal)];
  await clock.advance(100);
  begun[0]?.resolve([content("a", "h"), content("b", "h")]);
  expect((await Promise.all(early)).map(named)).toEqual([["a", "b"], []]);
  await clock.advance(1_899);
  expect(named(await lists.recent("h", signal))).toEqual(["a", "b"]);
  expect(begun.length).toBe(1);
  await clock.advance(1);
  void lists.recent("h", signal);
  expect(begun.length).toBe(2);
});

it("who needs the truth gets a list that was begun after the question, shared with all who ask meanwhile", async () => {
  const { clock, begun, lists } = setUp();
  void lists.fresh("h", signal);
  const late = [lists.fresh("h", signal), lists.fresh("h", signal), lists.fresh("h", signal)];
  await clock.advance(0);
  expect(begun.length).toBe(1);
  begun[0]?.resolve([content("old", "h")]);
  await clock.advance(0);
  expect(begun.length).toBe(2);
  begun[1]?.resolve([content("new", "h")]);
  expect((await Promise.all(late)).map(named)).toEqual([["new"], ["new"], ["new"]]);
});

it("a list that fails is told to those who wait for it, and tried again for the next", async () => {
  const { clock, begun, lists } = setUp();
  const failed = lists.recent("h", signal);
  const waiting = lists.fresh("h", signal);
  begun[0]?.reject(new Error("away"));
  await expect(failed).rejects.toThrow("away");
  await clock.advance(0);
  begun[1]?.resolve([content("a", "h")]);
  expect(named(await waiting)).toEqual(["a"]);
});

it.each([
  ["nine times as long as it took", 100, 900],
  ["never longer than a list is shared", 1_000, 2_000],
])("the next list waits %s, for all who ask meanwhile", async (_how, tookMs, restMs) => {
  const { clock, begun, lists } = setUp();
  const first = lists.fresh("h", signal);
  await clock.advance(tookMs);
  begun[0]?.resolve([content("old", "h")]);
  expect(named(await first)).toEqual(["old"]);
  const late = [lists.fresh("h", signal), lists.fresh("h", signal)];
  await clock.advance(restMs - 1);
  expect(begun.length).toBe(1);
  await clock.advance(1);
  expect(begun.length).toBe(2);
  begun[1]?.resolve([content("new", "h")]);
  expect((await Promise.all(late)).map(named)).toEqual([["new"], ["new"]]);
});

it("who leaves while the lists rest does not cause another", async () => {
  const { clock, begun, lists } = setUp();
  const first = lists.fresh("h", signal);
  await clock.advance(100);
  begun[0]?.resolve([]);
  await first;
  const leaving = new AbortController();
  const left = lists.fresh("h", leaving.signal).catch(() => "left");
  leaving.abort(new Error("deadline"));
  expect(await left).toBe("left");
  await clock.advance(5_000);
  expect(begun.length).toBe(1);
  void lists.fresh("h", signal);
  expect(begun.length).toBe(2);
});

it("lets go of what it holds", async () => {
  const { clock, begun, lists } = setUp();
  const first = lists.recent("h", signal);
  begun[0]?.resolve([]);
  await first;
  expect(clock.waiting).toBe(1);
  await clock.advance(2_000);
  expect(clock.waiting).toBe(0);
});

it("one that somebody still waits for goes on when others leave", async () => {
  const { begun, lists } = setUp();
  const leaving = new AbortController();
  const left = lists.recent("h", leaving.signal).catch(() => "left");
  const stays = lists.recent("h", signal);
  leaving.abort(new Error("deadline"));
  expect(await left).toBe("left");
  begun[0]?.resolve([content("a", "h")]);
  expect(named(await stays)).toEqual(["a"]);
});

it("one that nobody waits for any more is given up, with what was to follow; who comes then gets another", async () => {
  const { clock, begun, lists } = setUp();
  const leaving = new AbortController();
  const left = ["recent", "fresh"].map((how) => lists[how as keyof typeof lists]("h", leaving.signal));
  leaving.abort(new Error("deadline"));
  expect((await Promise.allSettled(left)).map(({ status }) => status)).toEqual(["rejected", "rejected"]);
  await clock.advance(0);
  expect(begun.length).toBe(1);
  const later = lists.recent("h", signal);
  begun[1]?.resolve([content("a", "h")]);
  expect(named(await later)).toEqual(["a"]);
});
