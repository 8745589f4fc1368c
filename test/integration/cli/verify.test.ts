import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { readFile, symlink, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { status } from "@grpc/grpc-js";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type Ground, openGround } from "../snapshotmetadata/rig.ts";
import { putSnapshot } from "../snapshotmetadata/snapshots.ts";
import { type Answer, type CliRig, openCliRig } from "./rig.ts";

const MiB = 2 ** 20;
const size = 4 * MiB;

let ground: Ground;
let cli: CliRig;
let answer: Answer = {};
let source: string;
let target: string;
beforeAll(async () => {
  ground = await openGround();
  cli = await openCliRig(ground, () => answer);
  await putSnapshot(cli.rig);
  [source, target] = [join(cli.folder, "source"), join(cli.folder, "target")];
});
afterAll(async () => {
  await cli?.[Symbol.asyncDispose]();
  await ground?.[Symbol.asyncDispose]();
});

const named = [
  [0, 4096],
  [MiB - 4096, 2 * MiB],
] as const;

/** A source with random bytes in the named ranges, and a target without them. */
beforeEach(async () => {
  const bytes = Buffer.alloc(size);
  for (const [offset, length] of named) randomBytes(length).copy(bytes, offset);
  await writeFile(source, bytes);
  await writeFile(target, Buffer.alloc(size));
  answer = { messages: [named], capacity: size, type: 2 };
});

const verify = (args: readonly string[] = [], around = {}) =>
  cli.run(["cbt", "verify", "-s", "snap", "-src", source, "-tgt", target, ...args], around);
const equal = async (): Promise<boolean> => (await readFile(source)).equals(await readFile(target));

describe("cbt verify", () => {
  it("is silent when the metadata named everything, and leaves the target equal", async () => {
    expect(await verify()).toEqual({ code: 0, stdout: "", stderr: "" });
    expect(await equal()).toBe(true);
  });

  it("applies a delta to what the target holds", async () => {
    const bytes = await readFile(source);
    bytes.fill(0, MiB - 4096, 3 * MiB - 4096);
    await writeFile(target, bytes);
    answer = { messages: [[[MiB - 4096, 2 * MiB]]], capacity: size, type: 2 };
    expect(await verify(["-P", "base-1"])).toEqual({ code: 0, stdout: "", stderr: "" });
    expect(cli.rig.driver.seen.at(-1)?.method).toBe("GetMetadataDelta");
  });

  it.each<[string, () => unknown, RegExp]>([
    [
      "a range that was not named",
      () => {
        answer = { messages: [[[MiB - 4096, 2 * MiB]]], capacity: size, type: 2 };
      },
      /is not the snapshot: 1 block of 4096 bytes differs among 4194304 bytes compared, first at byte \d{1,4}\n$/,
    ],
    [
      "a target that is larger",
      () => truncate(target, size + 512),
      /it has 4194816 bytes, --source-device-path=.* has 4194304\n$/,
    ],
    ["a target that is smaller", () => truncate(target, size - MiB), /it has 3145728 bytes/],
    [
      "a stream that fails",
      () => {
        answer = { ...answer, fail: { code: status.INTERNAL, details: "broken" } };
      },
      /INTERNAL: broken\n$/,
    ],
    [
      "a target that is not there",
      () => {
        target = join(cli.folder, "nowhere");
      },
      /--target-device-path=.*nowhere: ENOENT/,
    ],
  ])("fails: %s", async (_, spoil, words) => {
    const before = target;
    await spoil();
    const run = await verify();
    target = before;
    expect(run).toMatchObject({ code: 1, stdout: "" });
    expect(run.stderr).toMatch(words);
  });

  it("does not notice a range too many", async () => {
    answer = { messages: [[[0, size]]], capacity: size, type: 2 };
    expect(await verify()).toEqual({ code: 0, stdout: "", stderr: "" });
  });

  it("shows progress on a terminal, and takes it away", async () => {
    const { code, stdout, stderr } = await verify([], { terminals: { stderr: 120 } });
    expect({ code, stdout }).toEqual({ code: 0, stdout: "" });
    expect(stderr).toMatch(/copy .* of 4 MiB.*compare .* of 4 MiB/s);
    expect(stderr.endsWith("\r\x1b[K")).toBe(true);
  });
});

it("a link to kubectl-protect under the original's name is the original's verifier", async () => {
  const link = join(cli.folder, "snapshot-metadata-verifier");
  await symlink(join(import.meta.dirname, "../../../cmd/kubectl-protect/main.ts"), link);
  const flags = ["-n", cli.rig.namespace, "-s", "snap", "-src", source, "-tgt", target];
  const reach = ["-kubeconfig", cli.kubeconfig, `-address=127.0.0.1:${cli.rig.port}`];
  const start = (...args: readonly string[]) => promisify(execFile)(process.execPath, [link, ...args]);
  expect(await start(...flags, ...reach)).toEqual({ stdout: "", stderr: "" });
  expect(await equal()).toBe(true);
  await expect(start()).rejects.toMatchObject({
    code: 1,
    stdout: "",
    stderr: expect.stringMatching(/^snapshot-metadata-verifier: --snapshot: is required/),
  });
  await expect(start("-what")).rejects.toMatchObject({ code: 2 });
});
