import { PassThrough } from "node:stream";
import { describe, expect, it } from "vitest";
import { blockMap } from "../../cmd/demo/screen/block-map.ts";
import { table } from "../../cmd/demo/screen/table.ts";
import { terminalNarrator } from "../../cmd/demo/screen/terminal.ts";
import { styleFor } from "../../pkg/cli/screen/style.ts";
import { bytes, percent } from "../../pkg/cli/screen/units.ts";

const plain = styleFor(false, {});
const MiB = 2 ** 20;

describe("the block map", () => {
  it("shows how much of each cell changed, over what holds data", () => {
    const allocated = [{ offset: 0, size: 3 * MiB }];
    const changed = [
      { offset: MiB, size: 4096 },
      { offset: 66 * MiB, size: MiB / 2 },
      { offset: 255.5 * MiB, size: MiB / 2 },
      { offset: 127 * MiB, size: 2 * MiB },
    ];
    const map = blockMap(256 * MiB, allocated, changed, plain);
    expect(map).toHaveLength(4);
    expect(map.every((row) => row.length === 64)).toBe(true);
    expect(map[0]).toBe(`▪░▪${"·".repeat(61)}`);
    expect(map[1]).toBe(`··▓${"·".repeat(60)}█`);
    expect(map[2]?.[0]).toBe("█");
    expect(map[3]?.at(-1)).toBe("▓");
  });
});

describe("colours", () => {
  it.each([
    ["a terminal", true, {}, true],
    ["a pipe", false, {}, false],
    ["a terminal with NO_COLOR", true, { NO_COLOR: "1" }, false],
    ["a dumb terminal", true, { TERM: "dumb" }, false],
  ])("%s", (_, isTerminal, env, coloured) => {
    expect(styleFor(isTerminal, env).red("x") !== "x").toBe(coloured);
  });

  it("none in a pipe, nor cursor movements, from the first line to the last", async () => {
    const out = new PassThrough();
    const narrator = terminalNarrator(out, plain);
    narrator.heading("Part");
    await narrator.step("Works", async () => ({ value: 1, note: "well", lines: ["below"] }));
    await narrator.step("Fails", () => Promise.reject(new Error("badly"))).catch(() => {});
    for (const state of ["started", "killed", "started"] as const) narrator.process({ name: "it", pid: 1, state });
    narrator.result({ ok: false, step: "Fails", error: "badly\nvery", ms: 1 });
    narrator.result({
      ok: true,
      table: [
        ["", "a"],
        ["b", "1"],
      ],
      notes: ["foot", "all is well"],
      data: {},
      ms: 1,
    });
    const text = String(out.read());
    expect(text).not.toContain("\u001b");
    expect(text).not.toContain("\r");
    expect(text).toContain('FAILED at "Fails": badly\n       very');
    expect(text).toMatch(/ {2}1 {2}Works +✔ well \d+\.\d\d s\n {6}below\n/);
    expect(text.match(/^ {6}it .*$/gm)).toEqual([
      "      it (process 1) was killed",
      "      it was started again, as the kubelet would (process 1)",
    ]);
    expect(text).toContain("all is well");
  });
});

it("units and columns are for people", () => {
  expect([bytes(0), bytes(1023), bytes(1536), bytes(256 * MiB), percent(1, 163), percent(1, 3)]).toEqual([
    "0 B",
    "1023 B",
    "1.5 KiB",
    "256 MiB",
    "0.61 %",
    "33 %",
  ]);
  expect(
    table([
      ["", "n"],
      ["long name", "1"],
    ]),
  ).toEqual(["            n", "─────────────", "long name   1"]);
});
