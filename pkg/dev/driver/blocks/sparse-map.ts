import { spawn } from "node:child_process";
import { basename, dirname } from "node:path";
import type { Extent } from "./extents.ts";

/** Below this, reading the holes costs less than asking for them. */
const worthAsking = 16 * 1024 * 1024;
/** A map of this many bytes tells of a file so scattered that reading it whole is as good. */
const maxMapBytes = 4 * 1024 * 1024;
const blockBytes = 512;

/**
 * The parts of a file outside of which there are only holes. Node has no SEEK_DATA; GNU tar has, and writes the map of
 * a sparse file before its data, so that it can be stopped once the map was read. Without GNU tar, or when anything is
 * not as expected, the answer is the whole file, which is always right.
 */
export async function dataExtents(path: string, bytes: number): Promise<readonly Extent[]> {
  const whole = [{ from: 0, to: bytes }];
  if (bytes < worthAsking) return whole;
  const args = ["--create", "--sparse", "--format=posix", "--hole-detection=seek", "--file=-"];
  const tar = spawn("tar", [...args, `--directory=${dirname(path)}`, "--", basename(path)], {
    stdio: ["ignore", "pipe", "ignore"],
  });
  const gone = new Promise<void>((resolve) => {
    tar.once("error", () => resolve());
    tar.once("close", () => resolve());
  });
  try {
    return (await readSparseMap(tar.stdout)) ?? whole;
  } catch {
    return whole;
  } finally {
    tar.kill("SIGKILL");
    tar.stdout.destroy();
    await gone;
  }
}

/** The extents from an archive that begins with one sparse file (pax format 1.0), or nothing if it is not that. */
export async function readSparseMap(archive: AsyncIterable<Uint8Array>): Promise<Extent[] | undefined> {
  let read = Buffer.alloc(0);
  for await (const part of archive) {
    read = Buffer.concat([read, part]);
    const map = parseSparseMap(read);
    if (map === "more" && read.length <= maxMapBytes) continue;
    return map === "more" ? undefined : map;
  }
  return undefined;
}

/** `more` when the bytes end before the map does. */
function parseSparseMap(archive: Buffer): Extent[] | "more" | undefined {
  if (archive.length < blockBytes) return "more";
  // The extended header says that the file is sparse; then comes the file's own header, then the map.
  if (archive.toString("latin1", 156, 157) !== "x") return undefined;
  const size = Number.parseInt(archive.toString("latin1", 124, 136), 8);
  if (!Number.isSafeInteger(size) || size > 65_536) return undefined;
  const mapAt = 2 * blockBytes + Math.ceil(size / blockBytes) * blockBytes;
  if (archive.length <= mapAt) return "more";
  const records = archive.toString("latin1", blockBytes, blockBytes + size);
  if (!records.includes(" GNU.sparse.major=1\n") || !records.includes(" GNU.sparse.minor=0\n")) return undefined;
  return parseNumbers(archive.toString("latin1", mapAt));
}

/** Lines of decimal numbers: how many extents, then offset and length of each. */
function parseNumbers(text: string): Extent[] | "more" | undefined {
  const lines = text.split("\n");
  if (lines.length < 2) return "more";
  const count = Number(lines[0]);
  if (!/^\d+$/.test(lines[0] ?? "")) return undefined;
  // The last piece may be cut in the middle of a number.
  if (lines.length - 1 < 1 + 2 * count) return "more";
  const numbers = lines.slice(1, 1 + 2 * count);
  if (!numbers.every((each) => /^\d{1,15}$/.test(each))) return undefined;
  return Array.from({ length: count }, (_, index) => {
    const from = Number(numbers[2 * index]);
    return { from, to: from + Number(numbers[2 * index + 1]) };
  });
}
