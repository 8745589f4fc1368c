import { PassThrough } from "node:stream";
import { describe, expect, it } from "vitest";
import { manualClock } from "../../runtime/timing/index.ts";
import { type Position, progressLine } from "./progress.ts";

const MiB = 2 ** 20;

function aTerminal(isTTY = true, columns = 120, env = {}) {
  const stderr = Object.assign(new PassThrough(), { isTTY, columns });
  const clock = manualClock();
  const line = progressLine({ stderr, env, clock });
  const drawnAfter = async (ms: number, position: Position): Promise<string> => {
    await clock.advance(ms);
    line.show(position);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: what colours begin with
    return String(stderr.read() ?? "").replace(/\x1b\[\d+m/g, "");
  };
  return { stderr, line, drawnAfter };
}

describe("the progress line", () => {
  it("tells share, bytes, rate, time left and resumes, in place", async () => {
    const { drawnAfter, line, stderr } = aTerminal();
    expect(await drawnAfter(0, { doneBytes: 0, wholeBytes: 100 * MiB })).toBe(
      `\r\x1b[K  0 % ${"░".repeat(24)}   0 B of 100 MiB   0 B/s`,
    );
    expect(await drawnAfter(2000, { doneBytes: 25 * MiB, wholeBytes: 100 * MiB, resumes: 2 })).toBe(
      `\r\x1b[K 25 % ${"█".repeat(6)}${"░".repeat(18)}   25 MiB of 100 MiB   12.5 MiB/s   6 s left   taken up 2 times`,
    );
    line[Symbol.dispose]();
    expect(String(stderr.read())).toBe("\r\x1b[K");
  });

  it("draws at most ten times a second, and measures each phase by itself", async () => {
    const { drawnAfter } = aTerminal();
    await drawnAfter(0, { phase: "base", doneBytes: 0, wholeBytes: 10 * MiB });
    expect(await drawnAfter(99, { phase: "base", doneBytes: MiB, wholeBytes: 10 * MiB })).toBe("");
    expect(await drawnAfter(1, { phase: "base", doneBytes: MiB, wholeBytes: 10 * MiB })).toContain(
      "10 MiB/s   1 s left",
    );
    expect(await drawnAfter(1, { phase: "ranges", doneBytes: 5 * MiB, wholeBytes: 10 * MiB })).toMatch(
      /ranges {2}50 %.* 0 B\/s$/,
    );
    expect(await drawnAfter(1000, { phase: "ranges", doneBytes: 6 * MiB, wholeBytes: 10 * MiB })).toContain(
      " 1 MiB/s   4 s left",
    );
  });

  it.each([
    [60, "59 s left"],
    [3600, "59 min 59 s left"],
    [36_000, "9 h 59 min left"],
  ])("of %i s in all, after one: %s", async (seconds, words) => {
    const { drawnAfter } = aTerminal();
    const wholeBytes = seconds * MiB;
    await drawnAfter(0, { doneBytes: 0, wholeBytes });
    expect(await drawnAfter(1000, { doneBytes: MiB, wholeBytes })).toContain(words);
  });

  it.each([true, false])("says nothing that a terminal obeys, on one: %s", (isTTY) => {
    const { line, stderr } = aTerminal(isTTY);
    line.say("\x1b[2J\u009b2J\rit: all is well\n\x07");
    expect(String(stderr.read())).toBe("�[2J�2J�it: all is well��\n");
  });

  it("does without what is not known, and never wraps", async () => {
    const { drawnAfter } = aTerminal(true, 20);
    expect(await drawnAfter(0, { doneBytes: MiB })).toBe("\r\x1b[K1 MiB   0 B/s");
    expect((await drawnAfter(100, { doneBytes: MiB, wholeBytes: 2 * MiB })).length).toBe("\r\x1b[K".length + 19);
  });

  it("lets a line stay above it", async () => {
    const { drawnAfter, line, stderr } = aTerminal();
    await drawnAfter(0, { doneBytes: MiB });
    line.say("the stream broke");
    const text = String(stderr.read());
    expect(text.startsWith("\r\x1b[Kthe stream broke\n")).toBe(true);
    expect(text).toContain("1 MiB");
  });

  it.each<[string, boolean, Record<string, string>]>([
    ["no terminal", false, {}],
    ["a dumb one", true, { TERM: "dumb" }],
  ])("%s: nothing but what is said", async (_, isTTY, env) => {
    const { drawnAfter, line, stderr } = aTerminal(isTTY, 80, env);
    expect(await drawnAfter(0, { doneBytes: MiB })).toBe("");
    line.say("the stream broke");
    line[Symbol.dispose]();
    expect(String(stderr.read())).toBe("the stream broke\n");
  });
});
