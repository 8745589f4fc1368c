import { constants } from "node:fs";
import { copyFile, type FileHandle, open, rm, truncate } from "node:fs/promises";
import { syncFile } from "../store/durable-file.ts";
import { pieces, unionOf } from "./extents.ts";
import { readFull } from "./read-full.ts";
import { runsWhere } from "./runs.ts";
import { dataExtents } from "./sparse-map.ts";

const chunkBytes = 1024 * 1024;
/** The unit in which file systems keep holes. */
const pageBytes = 4096;

/** What to copy: the first `sourceBytes` of `from` into a new file `to` of `bytes`, the rest a hole. */
export interface SparseCopy {
  readonly from: string;
  readonly to: string;
  readonly sourceBytes: number;
  readonly bytes: number;
  readonly signal: AbortSignal;
}

/** Makes a file of this length that takes no space. */
export async function createSparse(path: string, bytes: number): Promise<void> {
  await using file = await open(path, "wx", 0o600);
  await file.truncate(bytes);
  await file.sync();
}

/**
 * Shares the blocks of the source where the file system can (btrfs, xfs, zfs, apfs), which is one atomic step, and
 * returns true. Otherwise returns false and leaves nothing behind.
 */
export async function reflink(copy: SparseCopy): Promise<boolean> {
  try {
    await copyFile(copy.from, copy.to, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE_FORCE);
  } catch (thrown) {
    const code = (thrown as NodeJS.ErrnoException).code;
    if (code === "ENOENT" || code === "EEXIST" || code === "ENOSPC") throw thrown;
    await rm(copy.to, { force: true });
    return false;
  }
  // Cut to the source's own length first, so that bytes beyond its capacity do not reappear in a larger copy.
  await truncate(copy.to, copy.sourceBytes);
  await truncate(copy.to, copy.bytes);
  await syncFile(copy.to);
  return true;
}

/** Copies by reading what is not a hole; pages of zeros become holes. Rejects with the signal's reason when that aborts. */
export async function copySparse(copy: SparseCopy): Promise<void> {
  await using source = await open(copy.from, "r");
  await using target = await open(copy.to, "wx", 0o600);
  await target.truncate(copy.bytes);
  const chunk = Buffer.allocUnsafeSlow(chunkBytes);
  const zeros = Buffer.alloc(chunkBytes);
  const extents = await dataExtents(copy.from, copy.sourceBytes);
  for (const { at, length } of pieces(unionOf(extents, pageBytes, { from: 0, to: copy.sourceBytes }), chunkBytes)) {
    copy.signal.throwIfAborted();
    await readFull(source, chunk, length, at);
    await writeData(target, chunk, zeros, length, at);
  }
  await target.sync();
}

async function writeData(target: FileHandle, chunk: Buffer, zeros: Buffer, length: number, at: number): Promise<void> {
  if (chunk.compare(zeros, 0, length, 0, length) === 0) return;
  const pages = runsWhere(Math.ceil(length / pageBytes), 0, (page) => {
    const from = page * pageBytes;
    const to = Math.min(from + pageBytes, length);
    return chunk.compare(zeros, 0, to - from, from, to) !== 0;
  });
  // At most one write per second page of the chunk waits in the thread pool.
  await Promise.all(
    pages.map(({ start, end }) => writeFull(target, chunk, start * pageBytes, Math.min(end * pageBytes, length), at)),
  );
}

async function writeFull(target: FileHandle, chunk: Buffer, from: number, to: number, at: number): Promise<void> {
  for (let position = from; position < to; ) {
    position += (await target.write(chunk, position, to - position, at + position)).bytesWritten;
  }
}
