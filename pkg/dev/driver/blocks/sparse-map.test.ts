import { execFileSync } from "node:child_process";
import { open } from "node:fs/promises";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { testFolder } from "../testing/harness.ts";
import { type Extent, pieces, unionOf } from "./extents.ts";
import { createSparse } from "./sparse-copy.ts";
import { dataExtents, readSparseMap } from "./sparse-map.ts";

const MiB = 1024 * 1024;

async function* inParts(bytes: Buffer, size: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

/** The head of an archive as GNU tar writes it for a sparse file. */
function archive(map: string, records = "22 GNU.sparse.major=1\n22 GNU.sparse.minor=0\n"): Buffer {
  const header = Buffer.alloc(512);
  header.write(records.length.toString(8).padStart(11, "0"), 124, "latin1");
  header.write("x", 156, "latin1");
  const extended = Buffer.alloc(512);
  extended.write(records, "latin1");
  return Buffer.concat([header, extended, Buffer.alloc(512), Buffer.from(map), Buffer.alloc(512)]);
}

describe("readSparseMap", () => {
  it.each([1, 7, 512, 100_000])("reads the map, in parts of %d bytes", async (size) => {
    const map = await readSparseMap(inParts(archive("2\n0\n4096\n1048576\n512\n"), size));
    expect(map).toEqual([
      { from: 0, to: 4096 },
      { from: 1048576, to: 1049088 },
    ]);
  });

  it.each([
    ["another format", archive("1\n0\n1\n", "22 GNU.sparse.major=0\n22 GNU.sparse.minor=1\n")],
    ["no number", archive("two\n0\n1\n")],
    ["a negative number", archive("1\n-1\n1\n")],
    ["an ordinary file", Buffer.alloc(1024)],
    ["an end before the map", archive("9\n0\n1\n").subarray(0, 1545)],
  ])("gives nothing for %s", async (_, bytes) => {
    expect(await readSparseMap(inParts(bytes, 512))).toBeUndefined();
  });
});

describe("dataExtents", () => {
  it("covers all data, and where GNU tar is there, little else", async () => {
    await using folder = await testFolder();
    const path = join(folder.path, "a file");
    await createSparse(path, 256 * MiB);
    await using file = await open(path, "r+");
    const places = [0, 5 * MiB + 77, 200 * MiB, 256 * MiB - 1];
    for (const at of places) await file.write(Buffer.of(1), 0, 1, at);
    const extents = await dataExtents(path, 256 * MiB);
    for (const at of places) expect(extents.some((each) => each.from <= at && at < each.to)).toBe(true);
    const covered = extents.reduce((sum, each) => sum + each.to - each.from, 0);
    expect(covered).toBeLessThanOrEqual(hasGnuTar() ? MiB : 256 * MiB);
  });

  it("is the whole of what can not be asked about", async () => {
    expect(await dataExtents("/nothing/here", 64 * MiB)).toEqual([{ from: 0, to: 64 * MiB }]);
    expect(await dataExtents("/nothing/here", 4096)).toEqual([{ from: 0, to: 4096 }]);
  });
});

function hasGnuTar(): boolean {
  try {
    return execFileSync("tar", ["--version"], { encoding: "utf8" }).includes("GNU tar");
  } catch {
    return false;
  }
}

describe("unionOf", () => {
  it("covers exactly the units that the extents touch", () => {
    const extent = fc.tuple(fc.nat(200), fc.nat(30)).map(([from, length]): Extent => ({ from, to: from + length }));
    fc.assert(
      fc.property(fc.array(extent), fc.nat(10), fc.nat(30), (extents, first, count) => {
        const range = { from: first * 8, to: (first + count) * 8 };
        const union = unionOf(extents, 8, range);
        for (let unit = 0; unit < 40; unit++) {
          const [from, to] = [unit * 8, unit * 8 + 8];
          const inside = from >= range.from && to <= range.to;
          const touched = extents.some((each) => each.from < each.to && each.from < to && each.to > from);
          expect(union.filter((each) => each.from <= from && to <= each.to)).toHaveLength(inside && touched ? 1 : 0);
        }
        expect([...pieces(union, 16)].every((each) => each.length > 0 && each.length <= 16)).toBe(true);
      }),
    );
  });
});
