import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { verifyDevice } from "./verify.ts";

const size = 3 * 2 ** 20;
let folder: string;
let paths: { readonly sourcePath: string; readonly targetPath: string };
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "verify-"));
  paths = { sourcePath: join(folder, "source"), targetPath: join(folder, "target") };
  await writeFile(paths.sourcePath, Buffer.alloc(size, 1));
  await writeFile(paths.targetPath, Buffer.alloc(size));
});
afterEach(() => rm(folder, { recursive: true }));

const naming = (ranges: readonly (readonly [bigint, bigint])[], complete = true) => ({
  progress: { complete },
  async *ranges() {
    for (const [byteOffset, sizeBytes] of ranges) yield { byteOffset, sizeBytes };
  },
});

describe("verifyDevice", () => {
  it("fails when the stream ended early, though the devices are equal", async () => {
    const metadata = naming([[0n, BigInt(size)]], false);
    await expect(verifyDevice({ metadata, ...paths })).rejects.toMatchObject({ reason: "Incomplete" });
  });

  it("cuts a range that reaches over the end of the device", async () => {
    await verifyDevice({ metadata: naming([[0n, BigInt(size) + 4096n]]), ...paths });
    expect((await readFile(paths.targetPath)).equals(await readFile(paths.sourcePath))).toBe(true);
  });

  it("stops when the caller does, before the next piece", async () => {
    const stopping = new AbortController();
    const passed: number[] = [];
    const verified = verifyDevice({
      metadata: naming([[0n, BigInt(size)]]),
      ...paths,
      onProgress: ({ doneBytes }) => {
        passed.push(doneBytes);
        stopping.abort(new Error("enough"));
      },
      signal: stopping.signal,
    });
    await expect(verified).rejects.toThrow("enough");
    expect(passed).toEqual([2 ** 20]);
  });
});
