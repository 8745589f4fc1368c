import { describe, expect, it } from "vitest";
import { KeyLock } from "./key-lock.ts";

const never = new AbortController().signal;

describe("KeyLock", () => {
  it("runs one after another per key, in order, and other keys at once", async () => {
    const lock = new KeyLock();
    const gate = Promise.withResolvers<void>();
    const log: string[] = [];
    const first = lock.run("a", never, async () => {
      await gate.promise;
      log.push("a1");
    });
    const second = lock.run("a", never, async () => void log.push("a2"));
    await lock.run("b", never, async () => void log.push("b"));
    gate.resolve();
    await Promise.all([first, second]);
    expect(log).toEqual(["b", "a1", "a2"]);
  });

  it("lets a waiter go with its signal, and those behind it still wait their turn", async () => {
    const lock = new KeyLock();
    const gate = Promise.withResolvers<void>();
    const log: string[] = [];
    const stop = new AbortController();
    const first = lock.run("a", never, async () => {
      await gate.promise;
      log.push("first");
    });
    const given = lock.run("a", stop.signal, async () => void log.push("never"));
    const third = lock.run("a", never, async () => void log.push("third"));
    stop.abort(new Error("gone"));
    await expect(given).rejects.toThrow("gone");
    expect(log).toEqual([]);
    gate.resolve();
    await Promise.all([first, third]);
    expect(log).toEqual(["first", "third"]);
  });

  it("goes on after work that failed", async () => {
    const lock = new KeyLock();
    await expect(lock.run("a", never, () => Promise.reject(new Error("x")))).rejects.toThrow("x");
    expect(await lock.run("a", never, async () => 1)).toBe(1);
  });
});
