import { randomBytes } from "node:crypto";
import { link, mkdtemp, readdir, readFile, rm, stat, symlink, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type RangeStream, type RebuildOptions, type RebuildStep, rebuildDevice } from "./rebuild.ts";

const MiB = 2 ** 20;
let folder: string;
let source: string;
let target: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "rebuild-"));
  [source, target] = [join(folder, "source"), join(folder, "target")];
});
afterEach(() => rm(folder, { recursive: true }));

/** A file of zeros with random bytes in these ranges. */
async function image(
  path: string,
  size: number,
  ranges: readonly (readonly [number, number])[],
  from?: Buffer,
): Promise<Buffer> {
  const bytes = Buffer.alloc(size);
  from?.copy(bytes);
  for (const [offset, length] of ranges) randomBytes(length).copy(bytes, offset);
  await writeFile(path, bytes);
  return bytes;
}

function aStream(ranges: readonly (readonly [number, number])[], capacity?: number, complete = true): RangeStream {
  const progress = {
    ...{ messages: 1, ranges: ranges.length, wireBytes: 10, resumes: 0, complete },
    rangeBytes: BigInt(ranges.reduce((sum, [, size]) => sum + size, 0)),
    volumeCapacityBytes: capacity === undefined ? undefined : BigInt(capacity),
  };
  return {
    progress,
    async *ranges() {
      for (const [offset, size] of ranges) yield { byteOffset: BigInt(offset), sizeBytes: BigInt(size) };
    },
  };
}

const rebuild = (metadata: RangeStream, more: Partial<RebuildOptions> = {}) =>
  rebuildDevice({ metadata, sourcePath: source, targetPath: target, verification: "full", ...more });

describe("rebuildDevice", () => {
  it("builds a sparse file from allocated ranges, reading only those", async () => {
    const ranges = [
      [0, 4096],
      [4096, 4096],
      [3 * MiB + 512, 2 * MiB],
    ] as const;
    const bytes = await image(source, 64 * MiB, ranges);
    const report = await rebuild(aStream(ranges, 64 * MiB));
    expect((await readFile(target)).equals(bytes)).toBe(true);
    expect(report).toMatchObject({
      sourceBytesRead: 8192 + 2 * MiB,
      verifiedBytes: 64 * MiB,
      ranges: 3,
      baseBytesRead: 0,
    });
    expect((await stat(target)).blocks * 512).toBeLessThan(4 * MiB);
    expect(await readdir(folder)).toEqual(["source", "target"]);
  });

  it("applies a delta to a copy of the base, and leaves the base alone", async () => {
    const base = join(folder, "base");
    const before = await image(base, 8 * MiB, [
      [0, 100],
      [5 * MiB, MiB],
    ]);
    const after = await image(source, 8 * MiB, [[5 * MiB + 4096, 4096]], before);
    const report = await rebuild(aStream([[5 * MiB + 4096, 4096]], 8 * MiB), { basePath: base });
    expect((await readFile(target)).equals(after)).toBe(true);
    expect((await readFile(base)).equals(before)).toBe(true);
    expect(report.sourceBytesRead).toBe(4096);
  });

  it("applies a delta to what the target holds", async () => {
    const before = await image(target, 4 * MiB, [[0, MiB]]);
    const after = await image(source, 4 * MiB, [[2 * MiB, 4096]], before);
    await rebuild(aStream([[2 * MiB, 4096]], 4 * MiB), { ontoTarget: true });
    expect((await readFile(target)).equals(after)).toBe(true);
  });

  it.each([
    ["a base image", (base: string) => ({ basePath: base })],
    ["what a file holds", () => ({ ontoTarget: true })],
    ["what a device holds", () => ({ ontoTarget: true, inPlace: true })],
  ])("uses nothing of %s when the ranges turn out to be no delta", async (_, how) => {
    const base = join(folder, "base");
    const before = await image(base, 4 * MiB, [[0, 4 * MiB]]);
    await writeFile(target, before);
    const after = await image(source, 4 * MiB, [[2 * MiB, MiB]]);
    const metadata = { ...aStream([[2 * MiB, MiB]], 4 * MiB), tier: "allocated" as const };
    const report = await rebuild(metadata, { ...how(base), verification: "none" });
    expect((await readFile(target)).equals(after)).toBe(true);
    expect(report.baseBytesRead).toBe(0);
  });

  it("extends a base of a volume that has grown", async () => {
    const base = join(folder, "base");
    const before = await image(base, 2 * MiB, [[0, MiB]]);
    const after = await image(source, 4 * MiB, [[3 * MiB, 4096]], before);
    await rebuild(aStream([[3 * MiB, 4096]], 4 * MiB), { basePath: base });
    expect((await readFile(target)).equals(after)).toBe(true);
  });

  it("cuts a last block that reaches over the end", async () => {
    const bytes = await image(source, 6000, [[0, 6000]]);
    await rebuild(
      aStream(
        [
          [0, 4096],
          [4096, 4096],
        ],
        6000,
      ),
    );
    expect((await readFile(target)).equals(bytes)).toBe(true);
  });

  it("takes the size from the source when nothing was allocated", async () => {
    await image(source, 3 * MiB, []);
    const report = await rebuild(aStream([]));
    expect(report).toMatchObject({ volumeCapacityBytes: 3 * MiB, targetBytesWritten: 0 });
    expect((await stat(target)).size).toBe(3 * MiB);
  });

  it("overwrites in place, whatever the target held", async () => {
    const bytes = await image(source, 4 * MiB, [[0, 4 * MiB]]);
    await image(target, 5 * MiB, [[0, 5 * MiB]]);
    await rebuild(aStream([[0, 4 * MiB]], 4 * MiB), { inPlace: true });
    expect((await readFile(target)).subarray(0, 4 * MiB).equals(bytes)).toBe(true);
  });
});

describe("a rebuild that must not succeed", () => {
  it.each([
    [
      "a lost range",
      [[0, 4096]] as const,
      "1 block of 4096 bytes differs among 8388608 bytes compared, first at byte 2097152",
    ],
    ["no ranges at all", [] as const, "2 blocks of 4096 bytes differ "],
  ])("%s is noticed, and what stood there before stays", async (_, named, words) => {
    await image(source, 8 * MiB, [
      [0, 4096],
      [2 * MiB, 4096],
    ]);
    await writeFile(source, Buffer.from([1]), { flag: "r+" });
    const bytes = await readFile(source);
    bytes[2 * MiB] = 1;
    await writeFile(source, bytes);
    await writeFile(target, "old");
    const failed = rebuild(aStream(named, 8 * MiB));
    await expect(failed).rejects.toMatchObject({
      reason: "VerificationFailed",
      message: expect.stringContaining(words),
    });
    expect(await readFile(target, "utf8")).toBe("old");
    expect(await readdir(folder)).toEqual(["source", "target"]);
  });

  it("a lost range in place leaves the target without its beginning", async () => {
    await image(source, 4 * MiB, [
      [0, 4096],
      [2 * MiB, 4096],
    ]);
    await image(target, 4 * MiB, [[0, MiB]]);
    await expect(rebuild(aStream([[0, 4096]], 4 * MiB), { inPlace: true })).rejects.toMatchObject({
      reason: "VerificationFailed",
    });
    const head = (await readFile(target)).subarray(0, MiB);
    expect(head.toString("latin1").replaceAll("\0", "")).toMatch(/^an unfinished rebuild stands here/);
  });

  it("a stream that ends early without an error", async () => {
    await image(source, MiB, []);
    await expect(rebuild(aStream([], MiB, false), { verification: "none" })).rejects.toMatchObject({
      reason: "Incomplete",
    });
    expect(await readdir(folder)).toEqual(["source"]);
  });

  it("a stream that breaks", async () => {
    await image(source, 4 * MiB, [[0, 4 * MiB]]);
    const metadata: RangeStream = {
      progress: aStream([], 4 * MiB).progress,
      async *ranges() {
        yield { byteOffset: 0n, sizeBytes: 2n * BigInt(MiB) };
        throw new Error("broken");
      },
    };
    await expect(rebuild(metadata)).rejects.toThrow("broken");
    expect(await readdir(folder)).toEqual(["source"]);
  });

  it.each<[string, () => Promise<unknown>, string]>([
    ["no source", () => rebuild(aStream([], MiB)), "DeviceUnusable"],
    ["a source that is too small", () => truncate(source, 512).then(() => rebuild(aStream([], MiB))), "SizeMismatch"],
    [
      "a base that is too large",
      () =>
        image(join(folder, "base"), 2 * MiB, []).then(() =>
          rebuild(aStream([], MiB), { basePath: join(folder, "base") }),
        ),
      "SizeMismatch",
    ],
    [
      "a target in place that is too small",
      () => writeFile(target, "x").then(() => rebuild(aStream([], MiB), { inPlace: true })),
      "DeviceTooSmall",
    ],
    [
      "a folder that is not there",
      () => rebuild(aStream([], MiB), { targetPath: join(folder, "no", "target") }),
      "DeviceUnusable",
    ],
    ["a range beyond file positions", () => rebuild(aStream([[2 ** 54, 4096]], MiB)), "VolumeTooLarge"],
  ])("%s", async (name, work, reason) => {
    if (name !== "no source") await image(source, MiB, []);
    await expect(work()).rejects.toMatchObject({ name: "Failure", reason });
    expect((await readdir(folder)).filter((each) => each.includes("partial"))).toEqual([]);
  });

  it("one that another rebuild overtook does not publish over it", async () => {
    const bytes = await image(source, MiB, [[0, MiB]]);
    const overtaken = rebuild(aStream([], MiB), {
      verification: "none",
      failpoint: async (step: RebuildStep) => {
        if (step === "verified") await rebuild(aStream([[0, MiB]], MiB));
      },
    } as Partial<RebuildOptions>);
    await expect(overtaken).rejects.toMatchObject({ reason: "TargetTaken" });
    expect((await readFile(target)).equals(bytes)).toBe(true);
  });
});

describe("a source that is larger than the snapshot", () => {
  const named = [[0, 4096]] as const;
  const misfit = (source: number, snapshot: number, words: string) => ({
    kind: "terminal",
    reason: "SizeMismatch",
    message: expect.stringMatching(new RegExp(`has ${source} bytes, .*${snapshot}.*${words}`)),
  });

  it("is what a volume of another granularity is: zero beyond the snapshot, and the report tells both sizes", async () => {
    const bytes = await image(source, 6 * MiB + 512, named);
    const passed: number[] = [];
    const onProgress: RebuildOptions["onProgress"] = ({ wholeBytes }) => passed.push(wholeBytes);
    const report = await rebuild(aStream(named, 4 * MiB), { onProgress });
    expect((await readFile(target)).equals(bytes.subarray(0, 4 * MiB))).toBe(true);
    const sizes = { sourceSizeBytes: 6 * MiB + 512, volumeCapacityBytes: 4 * MiB, verifiedBytes: 4 * MiB };
    expect(report).toMatchObject(sizes);
    expect(new Set(passed)).toEqual(new Set([6 * MiB + 512, 4 * MiB]));
  });

  it.each([
    ["directly beyond", 4 * MiB],
    ["at its very end", 6 * MiB + 511],
  ])("is refused when a byte %s is not zero, before the target is touched", async (_, at) => {
    const bytes = await image(source, 6 * MiB + 512, named);
    bytes[at] = 1;
    await writeFile(source, bytes);
    const old = await image(target, 6 * MiB, [[0, 6 * MiB]]);
    const failed = rebuild(aStream(named, 4 * MiB), { inPlace: true });
    await expect(failed).rejects.toMatchObject(misfit(6 * MiB + 512, 4 * MiB, `byte ${at} .*--verify=none`));
    expect((await readFile(target)).equals(old)).toBe(true);
  });

  it("is not read beyond the snapshot without verification", async () => {
    const bytes = await image(source, 6 * MiB, [[0, 6 * MiB]]);
    const report = await rebuild(aStream([[0, 4 * MiB]], 4 * MiB), { verification: "none" });
    expect((await readFile(target)).equals(bytes.subarray(0, 4 * MiB))).toBe(true);
    expect(report).toMatchObject({ sourceSizeBytes: 6 * MiB, sourceBytesRead: 4 * MiB });
  });

  it.each(["full", "none"] as const)(
    "is refused when the driver tells 0 bytes, verification %s",
    async (verification) => {
      await image(source, MiB, []);
      await expect(rebuild(aStream([], 0), { verification })).rejects.toMatchObject(
        misfit(MiB, 0, "nothing can be built"),
      );
      expect(await readdir(folder)).toEqual(["source"]);
    },
  );

  it("is not there when both are empty", async () => {
    await image(source, 0, []);
    expect(await rebuild(aStream([], 0))).toMatchObject({ volumeCapacityBytes: 0, sourceSizeBytes: 0 });
  });

  it("is read whole when nobody can tell blocks, whatever size was told", async () => {
    const bytes = await image(source, 6 * MiB + 512, [[0, 6 * MiB + 512]]);
    const metadata = { ...aStream([[0, 4097]], 4097), tier: "full" as const };
    const report = await rebuild(metadata, { verification: "none" });
    expect((await readFile(target)).equals(bytes)).toBe(true);
    expect(report).toMatchObject({ volumeCapacityBytes: 6 * MiB + 512, sourceBytesRead: 6 * MiB + 512 });
  });
});

describe("in place", () => {
  const marked = (bytes: Buffer, at: number): Buffer => {
    const copy = Buffer.from(bytes);
    copy[at] = (copy[at] ?? 0) ^ 0xff;
    return copy;
  };

  it.each([
    ["what the target held", {}],
    ["a base", { basePath: "base" }],
  ])("a lost range in the beginning is noticed: %s", async (_, { basePath }: { basePath?: string }) => {
    const before = await image(target, 4 * MiB, [[0, 4 * MiB]]);
    await writeFile(join(folder, "base"), before);
    await writeFile(source, marked(before, 5000));
    const failed = rebuild(aStream([], 4 * MiB), {
      ...{ inPlace: true, ontoTarget: true },
      ...(basePath ? { basePath: join(folder, basePath) } : {}),
    });
    await expect(failed).rejects.toMatchObject({
      reason: "VerificationFailed",
      message: expect.stringContaining("first at byte 5000; "),
    });
  });

  it("puts named ranges into the beginning, and reads nothing else of the source", async () => {
    const before = await image(target, 4 * MiB, [[0, 4 * MiB]]);
    const after = await image(
      source,
      4 * MiB,
      [
        [4096, 4096],
        [MiB - 4096, 8192],
      ],
      before,
    );
    const named = [
      [4096, 4096],
      [MiB - 4096, 8192],
    ] as const;
    const report = await rebuild(aStream(named, 4 * MiB), { inPlace: true, ontoTarget: true });
    expect((await readFile(target)).equals(after)).toBe(true);
    expect(report).toMatchObject({ sourceBytesRead: 12288, verifiedBytes: 4 * MiB });
  });

  it.each(["none", "full"] as const)("what no range names becomes zero, verification %s", async (verification) => {
    const named = [
      [4096, 4096],
      [MiB - 512, 2 * MiB],
      [4 * MiB, MiB],
    ] as const;
    const bytes = await image(source, 6 * MiB, named);
    const old = await image(target, 7 * MiB, [[0, 7 * MiB]]);
    await rebuild(aStream(named, 6 * MiB), { inPlace: true, verification });
    const built = await readFile(target);
    expect(built.subarray(0, 6 * MiB).equals(bytes)).toBe(true);
    expect(built.subarray(6 * MiB).equals(old.subarray(6 * MiB))).toBe(true);
  });

  it("what no range names beyond a base of a volume that has grown becomes zero", async () => {
    const base = join(folder, "base");
    const before = await image(base, 2 * MiB, [[0, 2 * MiB]]);
    const after = await image(source, 4 * MiB, [[3 * MiB, 4096]], before);
    await image(target, 4 * MiB, [[0, 4 * MiB]]);
    const how = { basePath: base, ontoTarget: true, inPlace: true, verification: "none" } as const;
    await rebuild(aStream([[3 * MiB, 4096]], 4 * MiB), how);
    expect((await readFile(target)).equals(after)).toBe(true);
  });

  it("a delta can be taken up after a crash, which cost the beginning, but only when it is verified", async () => {
    const before = await image(target, 4 * MiB, [[0, 4 * MiB]]);
    const after = await image(source, 4 * MiB, [[2 * MiB, 4096]], before);
    const delta = (more: Partial<RebuildOptions> = {}) =>
      rebuild(aStream([[2 * MiB, 4096]], 4 * MiB), { inPlace: true, ontoTarget: true, ...more });
    const crash = () => Promise.reject(new Error("crash"));
    await expect(delta({ failpoint: crash } as Partial<RebuildOptions>)).rejects.toThrow("crash");
    await expect(delta({ verification: "none" })).rejects.toMatchObject({ reason: "TargetUnfinished" });
    await delta();
    expect((await readFile(target)).equals(after)).toBe(true);
  });
});

describe("one device under two names", () => {
  const whole = [[0, 4 * MiB]] as const;
  const flags = (first: string) => new RegExp(`--${first}=.* and --target-device-path=.* are the same device or file`);

  it.each([
    ["a symlink", symlink],
    ["a hard link", link],
  ])("the source through %s, in place", async (_, alias) => {
    const bytes = await image(source, 4 * MiB, whole);
    await alias(source, target);
    const failed = rebuild(aStream(whole, 4 * MiB), { inPlace: true });
    await expect(failed).rejects.toMatchObject({
      kind: "terminal",
      reason: "SourceIsTarget",
      message: expect.stringMatching(flags("source-device-path")),
    });
    expect((await readFile(source)).equals(bytes)).toBe(true);
  });

  it.each([
    ["a symlink", symlink],
    ["a hard link", link],
  ])("the source through %s, as a new file", async (_, alias) => {
    const bytes = await image(source, MiB, [[0, MiB]]);
    await alias(source, target);
    const failed = rebuild(aStream([[0, MiB]], MiB));
    await expect(failed).rejects.toMatchObject({ kind: "terminal", reason: "SourceIsTarget" });
    expect((await readFile(source)).equals(bytes)).toBe(true);
    expect(await readdir(folder)).toEqual(["source", "target"]);
  });

  it("the source lying where the work would be done", async () => {
    const partial = join(folder, ".target.partial");
    const bytes = await image(partial, MiB, [[0, MiB]]);
    const failed = rebuild(aStream([[0, MiB]], MiB), { sourcePath: partial });
    await expect(failed).rejects.toMatchObject({ reason: "SourceIsTarget" });
    expect((await readFile(partial)).equals(bytes)).toBe(true);
  });

  it.each([
    ["a symlink, a delta in place", symlink, { inPlace: true, ontoTarget: true }],
    ["a hard link, a delta in place", link, { inPlace: true, ontoTarget: true }],
    ["a symlink, in place", symlink, { inPlace: true }],
    ["a hard link, as a new file", link, {}],
  ])("the base through %s", async (_, alias, how) => {
    const base = join(folder, "base");
    const before = await image(base, 4 * MiB, whole);
    await alias(base, target);
    await image(source, 4 * MiB, [[2 * MiB, 4096]], before);
    const failed = rebuild(aStream([[2 * MiB, 4096]], 4 * MiB), { basePath: base, ...how });
    await expect(failed).rejects.toMatchObject({
      kind: "terminal",
      reason: "SourceIsTarget",
      message: expect.stringMatching(flags("base-image")),
    });
    expect((await readFile(base)).equals(before)).toBe(true);
  });

  it("the base is the target that a copy replaces", async () => {
    const before = await image(target, 2 * MiB, [[0, MiB]]);
    const after = await image(source, 2 * MiB, [[MiB, 4096]], before);
    await rebuild(aStream([[MiB, 4096]], 2 * MiB), { basePath: target, ontoTarget: true });
    expect((await readFile(target)).equals(after)).toBe(true);
  });
});
