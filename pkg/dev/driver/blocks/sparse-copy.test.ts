import { open, readFile, stat, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { systemClock } from "../../../runtime/timing/index.ts";
import { removeFile } from "../store/durable-file.ts";
import { filesOf, testFolder } from "../testing/harness.ts";
import { Copier } from "./copier.ts";
import { copySparse, createSparse } from "./sparse-copy.ts";

const MiB = 1024 * 1024;
const { signal } = new AbortController();

/** 64 MiB with data in three places, one of them across the border of two chunks. */
async function sparseSource(path: string): Promise<void> {
  await createSparse(path, 64 * MiB);
  await using file = await open(path, "r+");
  await file.write(Buffer.alloc(4096, 1), 0, 4096, 0);
  await file.write(Buffer.alloc(8192, 2), 0, 8192, 10 * MiB - 4096);
  await file.write(Buffer.alloc(1, 3), 0, 1, 64 * MiB - 1);
}

describe("copySparse", () => {
  it("copies every byte and keeps holes", async () => {
    await using folder = await testFolder();
    const [from, to] = [join(folder.path, "a"), join(folder.path, "b")];
    await sparseSource(from);
    await copySparse({ from, to, sourceBytes: 64 * MiB, bytes: 64 * MiB, signal });
    expect((await readFile(to)).equals(await readFile(from))).toBe(true);
    expect((await stat(to)).blocks * 512).toBeLessThan(MiB);
  });

  it("makes holes of zeros that were written", async () => {
    await using folder = await testFolder();
    const [from, to] = [join(folder.path, "a"), join(folder.path, "b")];
    await writeFile(from, Buffer.alloc(4 * MiB));
    await copySparse({ from, to, sourceBytes: 4 * MiB, bytes: 4 * MiB, signal });
    expect((await stat(to)).blocks).toBe(0);
    expect((await stat(to)).size).toBe(4 * MiB);
  });

  it("takes no byte beyond the source's capacity into a larger copy", async () => {
    await using folder = await testFolder();
    const [from, to] = [join(folder.path, "a"), join(folder.path, "b")];
    await writeFile(from, Buffer.alloc(3 * 4096, 7));
    await copySparse({ from, to, sourceBytes: 4096, bytes: 5 * 4096, signal });
    expect(await readFile(to)).toEqual(Buffer.concat([Buffer.alloc(4096, 7), Buffer.alloc(4 * 4096)]));
  });

  it("stops with the signal", async () => {
    await using folder = await testFolder();
    const [from, to] = [join(folder.path, "a"), join(folder.path, "b")];
    await sparseSource(from);
    const stop = new AbortController();
    stop.abort(new Error("enough"));
    const copy = { from, to, sourceBytes: 64 * MiB, bytes: 64 * MiB, signal: stop.signal };
    await expect(copySparse(copy)).rejects.toThrow("enough");
  });
});

describe("Copier", () => {
  it("copies by whichever way the file system allows", async () => {
    await using folder = await testFolder();
    const [from, to] = [join(folder.path, "a"), join(folder.path, "b")];
    await sparseSource(from);
    await new Copier(systemClock).copy({ from, to, sourceBytes: 10 * MiB, bytes: 64 * MiB, signal });
    const [source, copy] = [await readFile(from), await readFile(to)];
    expect(copy.subarray(0, 10 * MiB).equals(source.subarray(0, 10 * MiB))).toBe(true);
    expect(copy.subarray(10 * MiB).every((byte) => byte === 0)).toBe(true);
  });

  it("begins anew when the source was written meanwhile, and refuses when it never rests", async () => {
    await using folder = await testFolder();
    const [from, to] = [join(folder.path, "a"), join(folder.path, "b")];
    await sparseSource(from);
    const copy = { from, to, sourceBytes: 64 * MiB, bytes: 64 * MiB, signal };
    let writes = 0;
    /** Stands for a file system without reflinks, with somebody writing during the first copies. */
    class Disturbed extends Copier {
      readonly #times: number;
      constructor(times: number) {
        super(systemClock);
        this.#times = times;
      }
      override async copy(each: typeof copy): Promise<void> {
        await copySparse(each);
        writes += 1;
        if (writes <= this.#times) await utimes(from, 1000 + writes, 1000 + writes);
      }
      protected override get atomic(): boolean {
        return false;
      }
    }
    let discarded = 0;
    const discard = async (): Promise<void> => {
      discarded += 1;
      await removeFile(to);
    };
    await new Disturbed(2).copyMoment(copy, discard);
    expect([writes, discarded]).toEqual([3, 2]);
    await removeFile(to);
    writes = 0;
    await expect(new Disturbed(99).copyMoment(copy, discard)).rejects.toThrow("written during each of 5 attempts");
    expect(await filesOf(folder.path)).toEqual(["a"]);
  });
});
