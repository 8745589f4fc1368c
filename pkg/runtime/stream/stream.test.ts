import { EventEmitter, getEventListeners } from "node:events";
import { setImmediate as turn } from "node:timers/promises";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  boundedPipe,
  drained,
  forEachLimited,
  mapAsync,
  PipeClosedError,
  readLimited,
  StreamGoneError,
  TooLargeError,
} from "./index.ts";

async function settled(promise: Promise<unknown>): Promise<boolean> {
  let done = false;
  promise.then(
    () => {
      done = true;
    },
    () => {
      done = true;
    },
  );
  await turn();
  return done;
}

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const out: T[] = [];
  for await (const item of items) out.push(item);
  return out;
}

describe("boundedPipe", () => {
  it("loses, repeats and reorders nothing, and never holds more than its capacity", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 1, max: 5 })),
        fc.integer({ min: 1, max: 8 }),
        async (weights, capacity) => {
          const pipe = boundedPipe<{ index: number; weight: number }>({ capacity, weigh: (item) => item.weight });
          const writing = (async () => {
            await Promise.all(weights.map((weight, index) => pipe.write({ index, weight })));
            pipe.end();
          })();
          let most = 0;
          const read: number[] = [];
          for await (const item of pipe) {
            most = Math.max(most, pipe.waiting);
            read.push(item.index);
            if (item.index % 3 === 0) await turn();
          }
          await writing;
          expect(read).toEqual(weights.map((_, index) => index));
          expect(most).toBeLessThanOrEqual(Math.max(capacity, ...weights, 0));
        },
      ),
    );
  });

  it("makes the writer wait until there is room", async () => {
    const pipe = boundedPipe<string>({ capacity: 2 });
    await pipe.write("a");
    await pipe.write("b");
    const third = pipe.write("c");
    expect(await settled(third)).toBe(false);
    const reader = pipe[Symbol.asyncIterator]();
    expect(await reader.next()).toEqual({ done: false, value: "a" });
    await third;
    expect(pipe.waiting).toBe(2);
  });

  it("passes an item above its capacity when nothing waits", async () => {
    const pipe = boundedPipe<number>({ capacity: 10, weigh: (size) => size });
    await pipe.write(1000);
    pipe.end();
    expect(await all(pipe)).toEqual([1000]);
  });

  it("gives what is left before the end and before the error", async () => {
    const [ending, failing] = [boundedPipe<number>({ capacity: 9 }), boundedPipe<number>({ capacity: 9 })];
    await ending.write(1);
    ending.end();
    expect(await all(ending)).toEqual([1]);
    await failing.write(1);
    failing.fail(new Error("late"));
    const reader = failing[Symbol.asyncIterator]();
    expect(await reader.next()).toMatchObject({ value: 1 });
    await expect(reader.next()).rejects.toThrow("late");
  });

  it("gives what writers still wait with before the end", async () => {
    const pipe = boundedPipe<number>({ capacity: 1 });
    const writes = [pipe.write(1), pipe.write(2), pipe.write(3)];
    pipe.end();
    expect(await all(pipe)).toEqual([1, 2, 3]);
    await Promise.all(writes);
    await expect(pipe.write(4)).rejects.toThrow();
  });

  it("wakes a reader that waits", async () => {
    const pipe = boundedPipe<number>({ capacity: 1 });
    const read = all(pipe);
    await turn();
    await pipe.write(5);
    await turn();
    pipe.end();
    expect(await read).toEqual([5]);
  });

  it("refuses writers once the reader has left", async () => {
    const pipe = boundedPipe<number>({ capacity: 1 });
    await pipe.write(1);
    const waiting = pipe.write(2);
    waiting.catch(() => undefined);
    for await (const _ of pipe) break;
    // Room came free before the reader left, so the second may have been taken; a third never is.
    await expect(pipe.write(3)).rejects.toThrow(PipeClosedError);
  });

  it("refuses writers after close, also when nobody ever read", async () => {
    const pipe = boundedPipe<number>({ capacity: 1 });
    await pipe.write(1);
    const waiting = pipe.write(2);
    pipe.close();
    await expect(waiting).rejects.toThrow(PipeClosedError);
    expect(await all(pipe)).toEqual([]);
  });

  it("lets a waiting writer give up without holding up those behind it", async () => {
    const pipe = boundedPipe<number>({ capacity: 5, weigh: (size) => size });
    await pipe.write(4);
    const controller = new AbortController();
    const heavy = pipe.write(5, controller.signal);
    const light = pipe.write(1);
    expect(await settled(light)).toBe(false);
    controller.abort(new Error("gave up"));
    await expect(heavy).rejects.toThrow("gave up");
    await light;
    pipe.end();
    expect(await all(pipe)).toEqual([4, 1]);
  });
});

describe("drained", () => {
  const names = ["drain", "close", "cancelled", "error"];
  const left = (stream: EventEmitter): number => names.reduce((sum, name) => sum + stream.listenerCount(name), 0);

  it.each<[string, unknown, unknown]>([
    ["drain", undefined, undefined],
    ["close", undefined, StreamGoneError],
    ["cancelled", undefined, StreamGoneError],
    ["error", new Error("broken"), "broken"],
  ])("settles on %s and leaves no listener", async (event, value, error) => {
    const stream = new EventEmitter();
    const { signal } = new AbortController();
    const waiting = drained(stream, signal);
    expect(left(stream)).toBe(names.length);
    stream.emit(event, value);
    if (error === undefined) await waiting;
    else await expect(waiting).rejects.toThrow(error as string);
    expect([left(stream), getEventListeners(signal, "abort").length]).toEqual([0, 0]);
  });

  it("rejects with the signal", async () => {
    const stream = new EventEmitter();
    const controller = new AbortController();
    const waiting = drained(stream, controller.signal);
    controller.abort(new Error("deadline"));
    await expect(waiting).rejects.toThrow("deadline");
    expect(left(stream)).toBe(0);
  });

  it("rejects at once on what is gone already", async () => {
    await expect(drained(Object.assign(new EventEmitter(), { destroyed: true }))).rejects.toThrow(StreamGoneError);
    await expect(drained(new EventEmitter(), AbortSignal.abort(new Error("before")))).rejects.toThrow("before");
  });
});

describe("readLimited", () => {
  const chunks = async function* (...sizes: number[]) {
    for (const size of sizes) yield new Uint8Array(size).fill(size);
  };
  it("joins what fits exactly", async () => {
    expect(await readLimited(chunks(2, 0, 1), 3, "body")).toEqual(Buffer.from([2, 2, 1]));
  });
  it("stops reading at the first byte too many", async () => {
    let given = 0;
    const endless = (async function* () {
      for (;;) {
        given++;
        yield new Uint8Array(10);
      }
    })();
    await expect(readLimited(endless, 25, "body")).rejects.toThrow(TooLargeError);
    expect(given).toBe(3);
  });
});

it("mapAsync maps as it is read", async () => {
  const source = (async function* () {
    yield* [1, 2, 3];
  })();
  expect(await all(mapAsync(source, async (n) => n * 2))).toEqual([2, 4, 6]);
});

describe("forEachLimited", () => {
  it("never has more under way than workers, and does all", async () => {
    let now = 0;
    let most = 0;
    const done: number[] = [];
    await forEachLimited([1, 2, 3, 4, 5, 6, 7], 3, async (item) => {
      most = Math.max(most, ++now);
      await turn();
      now--;
      done.push(item);
    });
    expect(most).toBe(3);
    expect(done.toSorted()).toEqual([1, 2, 3, 4, 5, 6, 7]);
  });

  it("starts nothing after a failure, waits for what runs, and throws the first", async () => {
    const started: number[] = [];
    let finished = 0;
    const work = forEachLimited([1, 2, 3, 4, 5], 2, async (item) => {
      started.push(item);
      if (item === 1) throw new Error("one");
      await turn();
      finished++;
    });
    await expect(work).rejects.toThrow("one");
    expect([started.length < 5, finished]).toEqual([true, started.length - 1]);
  });
});
