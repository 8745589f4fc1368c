import fc from "fast-check";
import { Registry } from "prom-client";
import { describe, expect, it } from "vitest";
import { manualClock } from "../../runtime/timing/index.ts";
import { createQueue, type Queue, type QueueOptions } from "./index.ts";

function aQueue(options: Partial<QueueOptions> = {}) {
  const clock = manualClock();
  return { clock, queue: createQueue({ name: "test", clock, random: () => 0, ...options }) };
}

/** All keys that are ready, left in the hands of workers. */
async function takeAll(queue: Queue): Promise<(string | undefined)[]> {
  const taken = [];
  while (queue.depth > 0) taken.push(await queue.take());
  return taken;
}

describe("a queue", () => {
  it("hands each waiting key out once, in the order in which they came", async () => {
    const { queue } = aQueue();
    for (const key of ["a", "b", "a", "c", "b"]) queue.add(key);
    expect(await takeAll(queue)).toEqual(["a", "b", "c"]);
  });

  it("gives a key to a worker that already waits", async () => {
    const { queue } = aQueue();
    const takers = [queue.take(), queue.take()];
    queue.add("a");
    queue.add("b");
    expect(await Promise.all(takers)).toEqual(["a", "b"]);
    expect(queue.depth).toBe(0);
  });

  it("keeps a key from a second worker until the first is done", async () => {
    const { queue } = aQueue();
    queue.add("a");
    await queue.take();
    queue.add("a");
    queue.add("a");
    const next = queue.take();
    queue.add("b");
    expect(await next).toBe("b");
    expect(queue.depth).toBe(0);
    queue.done("a");
    expect(await takeAll(queue)).toEqual(["a"]);
    queue.done("a");
    expect(queue.depth).toBe(0);
  });

  it("never loses a key and never hands it to two workers, whatever the order of calls", async () => {
    const step = fc.record({ what: fc.constantFrom("add", "take", "done"), key: fc.constantFrom("a", "b", "c") });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
        const { queue } = aQueue();
        const owed = new Set<string>();
        const working = new Set<string>();
        const take = async (): Promise<void> => {
          const key = (await queue.take()) as string;
          expect(owed.delete(key)).toBe(true);
          expect(working.has(key)).toBe(false);
          working.add(key);
        };
        for (const { what, key } of steps) {
          if (what === "add") {
            queue.add(key);
            owed.add(key);
          } else if (what === "done" && working.delete(key)) queue.done(key);
          else if (what === "take" && queue.depth > 0) await take();
        }
        for (const key of working) queue.done(key);
        working.clear();
        while (queue.depth > 0) await take();
        expect([...owed]).toEqual([]);
      }),
    );
  });
});

describe("delays", () => {
  it("add a key when its time has come, at the earliest of several", async () => {
    const { queue, clock } = aQueue();
    queue.addAfter("a", 500);
    queue.addAfter("a", 200);
    queue.addAfter("a", 900);
    expect(clock.waiting).toBe(1);
    await clock.advance(199);
    expect(queue.depth).toBe(0);
    await clock.advance(1);
    expect(await takeAll(queue)).toEqual(["a"]);
    queue.done("a");
    await clock.advance(10_000);
    expect([queue.depth, clock.waiting]).toEqual([0, 0]);
  });

  it.each([0, -1])("of %d ms add at once", (ms) => {
    const { queue } = aQueue();
    queue.addAfter("a", ms);
    expect(queue.depth).toBe(1);
  });

  it("grow with each failure of a key, alone, up to the bound, and start over once it is forgotten", async () => {
    const { queue, clock } = aQueue({ minDelayMs: 100, maxDelayMs: 500 });
    const delay = async (): Promise<number> => {
      const start = clock.now();
      queue.retry("a");
      const next = queue.take();
      while (queue.depth === 0 && clock.waiting > 0) await clock.advance(50);
      await next;
      queue.done("a");
      return clock.now() - start;
    };
    expect([await delay(), await delay(), await delay(), await delay(), await delay()]).toEqual([
      100, 200, 400, 500, 500,
    ]);
    expect([queue.failures("a"), queue.failures("b")]).toEqual([5, 0]);
    queue.forget("a");
    expect([queue.failures("a"), await delay()]).toEqual([0, 100]);
  });

  it("are shortened by lot, so that keys that failed together do not return together", async () => {
    const { queue, clock } = aQueue({ minDelayMs: 100, random: () => 0.5 });
    queue.retry("a");
    await clock.advance(89);
    expect(queue.depth).toBe(0);
    await clock.advance(1);
    expect(queue.depth).toBe(1);
  });
});

describe("shutting down", () => {
  it("lets waiting workers go, drops delayed keys and their timers, and takes nothing more", async () => {
    const { queue, clock } = aQueue();
    const taker = queue.take();
    queue.addAfter("late", 100);
    queue.shutDown();
    expect(await taker).toBeUndefined();
    queue.add("b");
    queue.addAfter("c", 1);
    queue.retry("d");
    expect(clock.waiting).toBe(0);
    expect(await queue.take()).toBeUndefined();
  });

  it("hands out what was ready, also what was added while it was in work", async () => {
    const { queue } = aQueue();
    queue.add("a");
    queue.add("b");
    await queue.take();
    queue.add("a");
    queue.shutDown();
    expect(await queue.take()).toBe("b");
    queue.done("a");
    expect(await queue.take()).toBe("a");
    expect(await queue.take()).toBeUndefined();
  });
});

it("tells client-go's metrics", async () => {
  const metrics = new Registry();
  const { queue, clock } = aQueue({ name: "snapshots", metrics });
  const value = async (name: string, labels = ""): Promise<number> => {
    const line = new RegExp(`^${name}{${labels}name="snapshots"} (\\S+)$`, "m").exec(await metrics.metrics());
    return Number(line?.[1]);
  };
  expect(await value("workqueue_retries_total")).toBe(0);
  for (const key of ["a", "a", "b", "c"]) queue.add(key);
  await clock.advance(2000);
  await queue.take();
  await queue.take();
  queue.add("a");
  await clock.advance(1000);
  queue.add("a");
  expect(await value("workqueue_adds_total")).toBe(4);
  expect(await value("workqueue_depth")).toBe(2);
  expect(await value("workqueue_queue_duration_seconds_sum")).toBe(4);
  expect(await value("workqueue_unfinished_work_seconds")).toBe(2);
  expect(await value("workqueue_longest_running_processor_seconds")).toBe(1);
  queue.done("a");
  queue.retry("a");
  queue.addAfter("b", 5);
  expect(await value("workqueue_retries_total")).toBe(2);
  expect(await value("workqueue_work_duration_seconds_sum")).toBe(1);
  expect(await value("workqueue_work_duration_seconds_bucket", 'le="1",')).toBe(1);
  expect(await value("workqueue_work_duration_seconds_bucket", 'le="0.1",')).toBe(0);
  expect((await metrics.metrics()).match(/workqueue_work_duration_seconds_bucket/g)).toHaveLength(11);
});
