import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { VolumeRecord } from "./records.ts";
import { Shelf, type ShelfDeps } from "./shelf.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "shelf-"));
});
afterEach(() => rm(folder, { recursive: true }));

const record: VolumeRecord = { id: "v1", name: "one", order: 1, sizeBytes: 4n, parameters: {}, access: ["block"] };
const depsWith = (extra: Partial<ShelfDeps<VolumeRecord>> = {}): ShelfDeps<VolumeRecord> => ({
  folder,
  noun: "volume",
  format: { decode: (json) => VolumeRecord.parse(json), encode: (each) => VolumeRecord.encode(each) },
  failpoint: async () => {},
  ...extra,
});
const fill = (path: string): Promise<void> => writeFile(path, "data");

it("a record that can not be made durable leaves neither itself nor its data", async () => {
  const broken = new Error("the folder can not be synced");
  let syncs = 0;
  // The first sync is that of the data, the second that of the record, which has its name by then.
  const sync = async (): Promise<void> => {
    syncs += 1;
    if (syncs !== 2) return;
    expect(existsSync(join(folder, "v1.json"))).toBe(true);
    throw broken;
  };
  const shelf = await Shelf.open(depsWith({ syncFolder: sync }));
  await expect(shelf.add(record, fill)).rejects.toBe(broken);
  expect(await readdir(folder)).toEqual([]);
  expect(shelf.get("v1")).toBeUndefined();
  const again = await Shelf.open(depsWith());
  expect(again.all()).toEqual([]);
});

it("a record that can not be taken back keeps its data", async () => {
  const sync = async (): Promise<void> => {
    // From here on the record's name is a folder, which is not removed.
    if (!existsSync(join(folder, "v1.json"))) return;
    await rm(join(folder, "v1.json"));
    await mkdir(join(folder, "v1.json", "in-the-way"), { recursive: true });
    throw new Error("broken");
  };
  const shelf = await Shelf.open(depsWith({ syncFolder: sync }));
  await expect(shelf.add(record, fill)).rejects.toThrow("broken");
  expect((await readdir(folder)).sort()).toEqual(["v1.img", "v1.json"]);
});
