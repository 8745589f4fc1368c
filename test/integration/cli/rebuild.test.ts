import { randomBytes } from "node:crypto";
import { appendFile, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { status } from "@grpc/grpc-js";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { SnapshotMetadataService } from "../../../pkg/apis/cbt/index.ts";
import type { SeenCall } from "../../support/raw-driver.ts";
import { type Ground, openGround } from "../snapshotmetadata/rig.ts";
import { putSnapshot } from "../snapshotmetadata/snapshots.ts";
import { type Answer, type CliRig, openCliRig } from "./rig.ts";

const MiB = 2 ** 20;
const size = 4 * MiB;
const noDelta: Answer = { fail: { code: status.FAILED_PRECONDITION, details: "no CBT on this volume" } };

let ground: Ground;
let cli: CliRig;
let answer: (seen: SeenCall) => Answer;
let paths: { readonly source: string; readonly base: string; readonly target: string };
beforeAll(async () => {
  ground = await openGround();
  cli = await openCliRig(ground, (seen) => answer(seen));
  const contentStatus = { readyToUse: true, snapshotHandle: "handle-tuesday", restoreSize: size };
  await putSnapshot(cli.rig, { name: "tuesday", contentStatus });
  const of = (name: string) => join(cli.folder, name);
  paths = { source: of("source"), base: of("base"), target: of("target") };
});
afterAll(async () => {
  await cli?.[Symbol.asyncDispose]();
  await ground?.[Symbol.asyncDispose]();
});

/** The base has its first half full; since then one MiB was freed and one written. */
beforeEach(async () => {
  const before = Buffer.concat([randomBytes(2 * MiB), Buffer.alloc(2 * MiB)]);
  const after = Buffer.concat([Buffer.alloc(MiB), before.subarray(MiB, 2 * MiB), randomBytes(MiB), Buffer.alloc(MiB)]);
  await writeFile(paths.base, before);
  await writeFile(paths.source, after);
  answer = ({ method }) => (method === "GetMetadataDelta" ? delta : allocated);
});
const delta: Answer = {
  messages: [
    [
      [0, MiB],
      [2 * MiB, MiB],
    ],
  ],
  capacity: size,
  type: 2,
};
const allocated: Answer = { messages: [[[MiB, 2 * MiB]]], capacity: size, type: 2 };

const rebuild = (args: readonly string[] = [], around = {}) => {
  const devices = ["-src", paths.source, "-tgt", paths.target, `--base-image=${paths.base}`];
  return cli.run(["cbt", "rebuild", "-s", "tuesday", "-P", "handle-monday", ...devices, ...args], around);
};
const equal = async (): Promise<boolean> => (await readFile(paths.source)).equals(await readFile(paths.target));

describe("cbt rebuild", () => {
  it("tells the tier and the handle for next time, and is silent on stderr", async () => {
    const { code, stdout, stderr } = await rebuild(["-o", "json"]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    const told = { tier: "delta", fallbacks: [], snapshotHandle: "handle-tuesday", baseHandle: "handle-monday" };
    expect(JSON.parse(stdout)).toMatchObject({ ...told, sourceBytesRead: 2 * MiB, verifiedBytes: size });
    expect(await equal()).toBe(true);
  });

  it("shows progress on a terminal: base, ranges, verification", async () => {
    const { code, stderr } = await rebuild([], { terminals: { stderr: 120 } });
    expect(code).toBe(0);
    expect(stderr).toMatch(/base .* of 4 MiB.*ranges .* of 4 MiB.*verify .* of 4 MiB/s);
    expect(stderr.endsWith("\r\x1b[K")).toBe(true);
  });

  it("tells what became of a source that is larger than the snapshot, and fails where it holds more", async () => {
    await appendFile(paths.source, Buffer.alloc(512));
    expect((await rebuild()).stdout).toMatch(/^Source +4194816 bytes, of which the 512 beyond the snapshot are zero$/m);
    await appendFile(paths.source, "more");
    expect(await rebuild()).toMatchObject({ code: 1, stderr: expect.stringMatching(/has 4194820 bytes.* 4194304 /) });
    const { stdout } = await rebuild(["--verify=none"]);
    expect(stdout).toMatch(/^Source +4194820 bytes, of which the 516 beyond the snapshot were not read$/m);
  });

  it.each([
    [true, "keep .*/tuesday: the driver needs it"],
    [false, ".*/tuesday may be deleted"],
    [null, "keep .*/tuesday: the driver does not say"],
  ])("requireBaseSnapshotForDelta %s: %s", async (value, words) => {
    const body = { spec: { requireBaseSnapshotForDelta: value } };
    await cli.rig.admin.patch(SnapshotMetadataService, { name: cli.rig.driverName }, { type: "merge", body });
    const { stdout } = await rebuild();
    expect(stdout).toMatch(new RegExp(`^Snapshot +${words}`, "m"));
    expect(stdout).toMatch(/^Snapshot handle +handle-tuesday /m);
    const { stdout: json } = await rebuild(["-o", "json"]);
    expect(JSON.parse(json)["retainBase"]).toBe(value ?? undefined);
  });
});

describe("a delta that can not be had", () => {
  it("is an error that names the flag, and leaves no target", async () => {
    answer = () => noDelta;
    await writeFile(paths.target, "old");
    const run = await rebuild();
    expect(run).toMatchObject({ code: 1, stdout: "" });
    expect(run.stderr).toMatch(/no CBT on this volume; --fallback=allocated takes all allocated blocks instead\n$/);
    expect(await readFile(paths.target, "utf8")).toBe("old");
    expect((await cli.run(["cbt", "list", "-s", "tuesday", "-P", "x"])).stderr).toContain("--fallback=allocated");
  });

  it("is taken from all allocated blocks, without the base: what was freed since is not in the result", async () => {
    answer = ({ method }) => (method === "GetMetadataDelta" ? noDelta : allocated);
    const run = await rebuild(["--fallback=allocated", "--verify=none"]);
    expect(run.code).toBe(0);
    expect(run.stderr).toMatch(
      /^no delta ranges can be had \(.*no CBT on this volume\); taking allocated ranges instead\n$/,
    );
    expect(run.stdout).toMatch(/^Tier +allocated; no delta ranges: .*no CBT on this volume$/m);
    expect(await equal()).toBe(true);
  });

  it.each([
    ["an error", [], 1],
    ["a notice and a row of the report", ["--fallback=allocated", "--verify=none"], 0],
  ])("is worded by the driver, and nothing in it moves the terminal: %s", async (_, flags, code) => {
    const details = "\x1b]0;owned\x07\u009b2J\r\nkubectl-protect: all is well\nVerified all";
    answer = ({ method }) => (method === "GetMetadataDelta" ? { fail: { code: 9, details } } : allocated);
    const run = await rebuild(flags);
    expect(run.code).toBe(code);
    for (const text of code === 0 ? [run.stdout, run.stderr] : [run.stderr]) {
      expect(text).toContain("�]0;owned��2J��kubectl-protect: all is well�Verified all");
      expect(text.replaceAll("\n", "")).not.toMatch(/\p{Cc}/u);
    }
    expect(run.stderr.split("\n")).toHaveLength(2);
  });

  it("is taken from the whole volume, when no block can be told", async () => {
    answer = () => noDelta;
    const run = await rebuild(["--fallback=full", "-o", "json"]);
    expect(run.code).toBe(0);
    const fallbacks = ["delta", "allocated"].map((tier) =>
      expect.objectContaining({ tier, reason: "FailedPrecondition" }),
    );
    expect(JSON.parse(run.stdout)).toMatchObject({ tier: "full", fallbacks, sourceBytesRead: size });
    expect(await equal()).toBe(true);
    const listed = await cli.run(["cbt", "list", "-s", "tuesday", "--fallback=full", "-o", "ndjson"]);
    expect(listed.stdout).toContain(`"block_metadata":[{"byte_offset":0,"size_bytes":${size}}]`);
    expect(listed.stdout).toContain('"tier":"full","fallbacks":[{"tier":"allocated","reason":"FailedPrecondition"');
  });

  it("after the first range is an error that says to start over", async () => {
    answer = () => ({ ...delta, ...noDelta });
    const run = await rebuild(["--fallback=full"]);
    expect(run).toMatchObject({ code: 1, stdout: "" });
    expect(run.stderr).toMatch(/the delta ranges ended at byte 3145728 .* start over with allocated ranges\n$/);
  });
});
