import { setImmediate as turn } from "node:timers/promises";
import { expect, it } from "vitest";
import { fairLine } from "./review-line.ts";

const never = new AbortController().signal;

function setUp(atOnce: number, waiting: number) {
  const line = fairLine({ atOnce, waiting, full: () => new Error("no room") });
  const begun: string[] = [];
  const running = new Map<string, () => void>();
  const bring = (peer: string, n: number, signal = never): Promise<string> => {
    const name = `${peer}${n}`;
    return line(peer, signal, async () => {
      begun.push(name);
      await new Promise<void>((resolve) => running.set(name, resolve));
      return name;
    }).catch((thrown: Error) => `${name}: ${thrown.message}`);
  };
  /** Ends whatever runs, one by one, until nothing does. */
  const drain = async (): Promise<void> => {
    for (;;) {
      await turn();
      const [first] = running;
      if (first === undefined) return;
      running.delete(first[0]);
      first[1]();
    }
  };
  return { bring, begun, drain };
}

it("runs so many at once and no more", async () => {
  const { bring, begun, drain } = setUp(2, 10);
  const all = [1, 2, 3].map((n) => bring("a", n));
  await turn();
  expect(begun).toEqual(["a1", "a2"]);
  await drain();
  expect(await Promise.all(all)).toEqual(["a1", "a2", "a3"]);
});

it("lets peers take turns, each in its own order", async () => {
  const { bring, begun, drain } = setUp(1, 100);
  const all = [1, 2, 3, 4].map((n) => bring("a", n));
  all.push(bring("b", 1), bring("c", 1), bring("b", 2));
  await drain();
  await Promise.all(all);
  expect(begun).toEqual(["a1", "a2", "b1", "c1", "a3", "b2", "a4"]);
});

it("when it is full, the greediest loses its newest, and nobody else", async () => {
  const { bring, begun, drain } = setUp(1, 3);
  const many = [1, 2, 3, 4, 5].map((n) => bring("a", n));
  expect(await many[4]).toBe("a5: no room");
  const one = bring("b", 1);
  expect(await many[3]).toBe("a4: no room");
  const two = bring("b", 2);
  expect(await two).toBe("b2: no room");
  await drain();
  expect(await one).toBe("b1");
  expect(begun).toEqual(["a1", "a2", "b1", "a3"]);
});

it("who leaves frees the place, in the line as well as in front", async () => {
  const { bring, begun, drain } = setUp(1, 1);
  const first = bring("a", 1);
  const gone = new AbortController();
  const second = bring("a", 2, gone.signal);
  gone.abort(new Error("left"));
  expect(await second).toBe("a2: left");
  expect(await bring("a", 3, gone.signal)).toBe("a3: left");
  const fourth = bring("a", 4);
  await drain();
  expect([await first, await fourth]).toEqual(["a1", "a4"]);
  expect(begun).toEqual(["a1", "a4"]);
});

it("work that fails makes room like any other", async () => {
  const line = fairLine({ atOnce: 1, waiting: 5, full: () => new Error("no room") });
  const failing = line("a", never, () => Promise.reject(new Error("broken")));
  const next = line("a", never, async () => "done");
  await expect(failing).rejects.toThrow("broken");
  expect(await next).toBe("done");
});

it("without a limit there is no line", async () => {
  const { bring, begun, drain } = setUp(0, 0);
  const all = [1, 2, 3, 4].map((n) => bring("a", n));
  await turn();
  expect(begun.length).toBe(4);
  await drain();
  await Promise.all(all);
});
