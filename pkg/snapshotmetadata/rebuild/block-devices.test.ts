/** With real block devices: they need root and loop devices, and say so where these are missing. */
import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type RangeStream, rebuildDevice } from "./rebuild.ts";
import { verifyDevice } from "./verify.ts";

const MiB = 2 ** 20;
const run = promisify(execFile);
let folder: string;
let image: string;
let other: string;
let missing = "";
/** The disk, its two partitions, the second half of the image as a device, and a disk of its own. */
const device = { disk: "", first: "", second: "", half: "", stranger: "" };

async function loop(...args: readonly string[]): Promise<string> {
  return (await run("losetup", ["--find", "--show", ...args])).stdout.trim();
}

/** Two MiB of the disk, told to the kernel without a table; the node is made by hand, as nobody may be there who does it. */
async function partition(disk: string, number: number, start: number): Promise<string> {
  await run("addpart", [disk, `${number}`, `${start / 512}`, `${(2 * MiB) / 512}`]);
  const numbers = await readFile(`/sys/class/block/${basename(disk)}p${number}/dev`, "utf8");
  const path = join(folder, `p${number}`);
  await run("mknod", [path, "b", ...numbers.trim().split(":")]);
  return path;
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "block-devices-"));
  [image, other] = [join(folder, "image"), join(folder, "other")];
  // Where a device is larger than the 2 MiB that are rebuilt from it, it holds nothing beyond them.
  await writeFile(image, Buffer.concat([randomBytes(6 * MiB), Buffer.alloc(2 * MiB)]));
  await writeFile(other, Buffer.concat([randomBytes(2 * MiB), Buffer.alloc(6 * MiB)]));
  try {
    device.disk = await loop("--partscan", image);
    device.first = await partition(device.disk, 1, MiB);
    device.second = await partition(device.disk, 2, 3 * MiB);
    device.half = await loop(`--offset=${4 * MiB}`, image);
    device.stranger = await loop(other);
  } catch (thrown) {
    missing = `loop devices can not be made here: ${(thrown as Error).message.trim()}`;
    console.log(`not run: ${missing}`);
  }
});
afterAll(async () => {
  for (const number of [device.first && "1", device.second && "2"])
    if (number) await run("delpart", [device.disk, number]);
  for (const each of [device.half, device.stranger, device.disk]) if (each) await run("losetup", ["-d", each]);
  await rm(folder, { recursive: true });
});
beforeEach(({ skip }) => skip(missing !== "", missing));

function allOf(bytes: number): RangeStream {
  return {
    progress: {
      ...{ messages: 1, ranges: 1, rangeBytes: BigInt(bytes), wireBytes: 10, resumes: 0, complete: true },
      volumeCapacityBytes: BigInt(bytes),
    },
    async *ranges() {
      yield { byteOffset: 0n, sizeBytes: BigInt(bytes) };
    },
  };
}

/** What a target and a source are: the name of a device above, or of a file. */
type Name = keyof typeof device | "image" | "other";
const pathOf = (name: Name): string => ({ ...device, image, other })[name];

describe("one lies on the other", () => {
  it.each<[Name, Name]>([
    ["disk", "image"],
    ["image", "disk"],
    ["disk", "first"],
    ["first", "disk"],
    ["first", "image"],
    ["image", "first"],
    ["half", "disk"],
    ["half", "second"],
    ["image", "half"],
    ["stranger", "other"],
  ])("the source %s, the target %s", async (source, target) => {
    const before = await readFile(image);
    const failed = rebuildDevice({
      metadata: allOf(MiB),
      sourcePath: pathOf(source),
      targetPath: pathOf(target),
      inPlace: true,
      verification: "none",
    });
    await expect(failed).rejects.toMatchObject({ reason: "SourceIsTarget", kind: "terminal" });
    const verified = verifyDevice({ metadata: allOf(MiB), sourcePath: pathOf(source), targetPath: pathOf(target) });
    await expect(verified).rejects.toMatchObject({ reason: "SourceIsTarget" });
    expect((await readFile(image)).equals(before)).toBe(true);
  });
});

describe("neighbours", () => {
  it.each<[Name, Name]>([
    ["first", "second"],
    ["first", "half"],
    ["stranger", "second"],
    ["other", "first"],
    ["half", "stranger"],
  ])("from %s onto %s: rebuilt and verified, byte for byte", async (source, target) => {
    const paths = { sourcePath: pathOf(source), targetPath: pathOf(target) };
    const report = await rebuildDevice({ metadata: allOf(2 * MiB), ...paths, inPlace: true, verification: "full" });
    const [from, to] = await Promise.all([readFile(paths.sourcePath), readFile(paths.targetPath)]);
    const sizes = { volumeCapacityBytes: 2 * MiB, sourceSizeBytes: from.length };
    expect(report).toMatchObject({ ...sizes, verifiedBytes: 2 * MiB });
    expect(to.subarray(0, 2 * MiB).equals(from.subarray(0, 2 * MiB))).toBe(true);
  });
});

it("a file in a file system on the source is refused, one beside it is not", async ({ skip }) => {
  const mounted = join(folder, "mounted");
  await mkdir(mounted);
  try {
    await run("mkfs.ext4", ["-q", "-F", device.stranger]);
    await run("mount", [device.stranger, mounted]);
  } catch (thrown) {
    const why = `no file system can be made and mounted here: ${(thrown as Error).message.trim()}`;
    console.log(`not run: ${why}`);
    skip(true, why);
  }
  try {
    const [inside, beside] = [join(mounted, "inside"), join(mounted, "beside")];
    const job = { metadata: allOf(MiB), verification: "none" } as const;
    const onto = rebuildDevice({ ...job, sourcePath: device.stranger, targetPath: inside });
    await expect(onto).rejects.toMatchObject({ reason: "SourceIsTarget" });
    expect(await readdir(mounted)).toEqual(["lost+found"]);
    await writeFile(inside, randomBytes(MiB));
    await rebuildDevice({ ...job, sourcePath: inside, targetPath: beside });
    expect((await readFile(beside)).equals(await readFile(inside))).toBe(true);
    const under = rebuildDevice({ ...job, sourcePath: inside, targetPath: device.stranger, inPlace: true });
    await expect(under).rejects.toMatchObject({ reason: "SourceIsTarget" });
  } finally {
    await run("umount", [mounted]);
  }
});
