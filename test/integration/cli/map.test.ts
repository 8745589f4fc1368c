import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { status } from "@grpc/grpc-js";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { SeenCall } from "../../support/raw-driver.ts";
import { type Ground, openGround } from "../snapshotmetadata/rig.ts";
import { putSnapshot } from "../snapshotmetadata/snapshots.ts";
import { type Answer, type CliRig, openCliRig } from "./rig.ts";

const MiB = 2 ** 20;
const days = ["monday", "tuesday", "wednesday"];

let ground: Ground;
let it_: CliRig;
let wednesday: Answer = {};
beforeAll(async () => {
  ground = await openGround();
  it_ = await openCliRig(ground, answer);
  for (const [at, name] of days.entries()) {
    const creationTime = `2026-11-1${at + 6}T08:00:00Z`;
    const contentStatus = { readyToUse: true, snapshotHandle: `handle-${name}`, restoreSize: 10 * MiB };
    const boundVolumeSnapshotContentName = `content-${it_.rig.namespace}-${name}`;
    const snapshotStatus = { readyToUse: true, boundVolumeSnapshotContentName, creationTime };
    await putSnapshot(it_.rig, { name, contentStatus, snapshotStatus, source: { snapshotHandle: `handle-${name}` } });
  }
});
afterAll(async () => {
  await it_?.[Symbol.asyncDispose]();
  await ground?.[Symbol.asyncDispose]();
});

function answer({ request }: SeenCall): Answer {
  if ("snapshotId" in request && request.snapshotId === "handle-wednesday") return wednesday;
  if ("snapshotId" in request) return { messages: [[[0, 5 * MiB]]], capacity: 10 * MiB };
  if (request.targetSnapshotId === "handle-wednesday") return wednesday;
  return request.baseSnapshotId === "handle-monday" ? { messages: [[[MiB, MiB]]], capacity: 10 * MiB } : {};
}

it("draws what the first snapshot holds, and what changed from each to the next", async () => {
  wednesday = { messages: [[[MiB, 4096]], [[9 * MiB, 4096]]], capacity: 10 * MiB };
  const file = join(it_.folder, "week.svg");
  const run = await it_.run(["cbt", "map", ...days, "--width=40", `--svg=${file}`]);
  expect(run).toMatchObject({ code: 0, stderr: "" });
  expect(run.stdout.split("\n").filter((line) => /^[·░▒▓█\d+]{40}$/.test(line))).toEqual([
    "████████████████████····················",
    "····████································",
    "····▒·······························▒···",
    "····2111····························1···",
  ]);
  expect(run.stdout).toContain("wednesday  2026-11-18 08:00 UTC      8 KiB changed since tuesday (0.08 %, 2 ranges)");
  const svg = await readFile(file, "utf8");
  expect(svg).toMatch(/^<svg .*<\/svg>\n$/s);
  expect(svg).toContain("monday → wednesday");
  expect(svg).toContain("2026-11-18 08:00 UTC");
});

it("takes the size of a volume without data or changes from the snapshot", async () => {
  wednesday = {};
  const { stdout } = await it_.run(["cbt", "map", "wednesday", "--width=40"]);
  expect(stdout).toMatch(/^\S+\/wednesday .* 10 MiB$/m);
  expect(stdout).toContain(" 0 B allocated (0.00 %, 0 ranges)");
  const both = await it_.run(["cbt", "map", "tuesday", "wednesday", "--width=40"]);
  expect(both.stdout).toContain(" 0 B changed since tuesday (0.00 %, 0 ranges)");
});

it.each([
  [{ terminals: { stdout: 57 } }, 57, true],
  [{ terminals: { stdout: 57 }, env: { NO_COLOR: "1" } }, 57, false],
  [{ env: { COLUMNS: "61" } }, 61, false],
  [{}, 100, false],
])("is as wide as the terminal, and coloured there only: %j", async (around, width, coloured) => {
  const { stdout } = await it_.run(["cbt", "map", "monday"], around);
  expect(stdout.includes("\x1b[")).toBe(coloured);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: what colours begin with
  const [strip = ""] = stdout.replace(/\x1b\[[\d;]*m/g, "").match(/^█+·+$/m) ?? [];
  expect(strip).toHaveLength(width);
});

it.each<[string, string[], number, string]>([
  ["no snapshot", [], 2, "missing argument: snapshot"],
  ["an unknown one", ["monday", "sunday"], 1, "sunday does not exist"],
  ["a strip too narrow", ["monday", "--width=7"], 1, "--width: must be 0 or between 40 and 1000, not 7"],
  ["a file that can not be", ["monday", "--svg=/nowhere/map.svg"], 1, "--svg=/nowhere/map.svg: ENOENT"],
])("%s is refused, and nothing is drawn", async (_, words, code, problem) => {
  const run = await it_.run(["cbt", "map", ...words]);
  expect(run).toMatchObject({ code, stdout: "" });
  expect(run.stderr).toContain(problem);
});

it("draws nothing when one of the streams fails", async () => {
  wednesday = {
    messages: [[[0, 4096]]],
    capacity: 10 * MiB,
    fail: { code: status.FAILED_PRECONDITION, details: "no CBT" },
  };
  const run = await it_.run(["cbt", "map", ...days]);
  expect(run).toMatchObject({ code: 1, stdout: "" });
  expect(run.stderr).toContain("FAILED_PRECONDITION: no CBT");
});
