import type { BigIntStats } from "node:fs";
import { readdir, readFile, realpath, stat } from "node:fs/promises";
import { dirname, join } from "node:path";

/** Bytes of something that nothing else is a part of, on which a device or a file lies. */
export interface Extent {
  /** Equal for two extents exactly when they are of the same disk or file. */
  readonly root: string;
  readonly start: number;
  readonly end: number;
  /** Somewhere in there, but nobody says where: a file in a file system, a logical volume in a group. */
  readonly vague: boolean;
}

/** True when writing to one may change the other. Two neighbours in one file system or volume group do not touch. */
export function overlap(some: readonly Extent[], others: readonly Extent[]): boolean {
  return some.some((one) =>
    others.some(
      (other) =>
        one.root === other.root && !(one.vague && other.vague) && one.start < other.end && other.start < one.end,
    ),
  );
}

/** Where the bytes of a file or a block device lie, through partitions, loop devices and stacked devices (Linux). */
export async function extentsOf(found: BigIntStats): Promise<readonly Extent[]> {
  if (found.isBlockDevice()) return await deviceExtents(numbersOf(found.rdev));
  const own = whole(`file ${found.dev}:${found.ino}`);
  return [own, ...(await placeOf(found))];
}

/** Where a file lies that is made in this folder; nothing when there is no such folder. */
export async function extentsIn(folder: string): Promise<readonly Extent[]> {
  const found = await stat(folder, { bigint: true }).catch(() => undefined);
  return found ? await placeOf(found) : [];
}

const sectorBytes = 512;

/** A new file system on a device has the device's number, where there is a device. */
async function placeOf({ dev }: BigIntStats): Promise<readonly Extent[]> {
  const numbers = numbersOf(dev);
  return (await folderOf(numbers)) === undefined ? [] : vaguely(await deviceExtents(numbers));
}

async function deviceExtents(numbers: string): Promise<readonly Extent[]> {
  const folder = await folderOf(numbers);
  if (folder === undefined) return [whole(`device ${numbers}`)];
  const told = async (name: string): Promise<string> =>
    (await readFile(join(folder, name), "utf8").catch(() => "")).trim();
  if ((await told("partition")) !== "") {
    const [start, size] = [Number(await told("start")) * sectorBytes, Number(await told("size")) * sectorBytes];
    const disk = (await readFile(join(dirname(folder), "dev"), "utf8")).trim();
    return part(await deviceExtents(disk), start, size);
  }
  const backing = await stat(await told("loop/backing_file"), { bigint: true }).catch(() => undefined);
  if (backing) {
    const size = Number(await told("size")) * sectorBytes;
    return part(await extentsOf(backing), Number(await told("loop/offset")), size);
  }
  const below: Extent[] = [];
  for (const name of await readdir(join(folder, "slaves")).catch(() => [])) {
    const under = await readFile(join(folder, "slaves", name, "dev"), "utf8");
    below.push(...vaguely(await deviceExtents(under.trim())));
  }
  return [whole(`device ${numbers}`), ...below];
}

function whole(root: string): Extent {
  return { root, start: 0, end: Number.POSITIVE_INFINITY, vague: false };
}

function vaguely(extents: readonly Extent[]): Extent[] {
  return extents.map((extent) => ({ ...extent, vague: true }));
}

/** A piece of what lies there, in bytes. */
function part(extents: readonly Extent[], offset: number, size: number): Extent[] {
  return extents.map((extent) => {
    if (extent.vague) return extent;
    const start = extent.start + offset;
    return { ...extent, start, end: Math.min(extent.end, start + size) };
  });
}

/** The kernel's page about a block device. */
async function folderOf(numbers: string): Promise<string | undefined> {
  return await realpath(`/sys/dev/block/${numbers}`).catch(() => undefined);
}

/** "major:minor" as the kernel writes it. */
export function numbersOf(device: bigint): string {
  const major = ((device >> 8n) & 0xfffn) | ((device >> 32n) & ~0xfffn & 0xffffffffn);
  const minor = (device & 0xffn) | ((device >> 12n) & 0xffffff00n);
  return `${major}:${minor}`;
}
