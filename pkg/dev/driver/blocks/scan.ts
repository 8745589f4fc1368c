import type { FileHandle } from "node:fs/promises";
import { type Extent, pieces, unionOf } from "./extents.ts";
import { readFull } from "./read-full.ts";
import { type Run, runsWhere } from "./runs.ts";

/** Read at a time: large enough to compare at memory speed, small enough to stop soon after a cancellation. */
const chunkBytes = 1024 * 1024;

/** Which part of a file is looked at, in bytes; both bounds are multiples of `blockSize`. */
export interface ScanRange {
  readonly from: number;
  readonly to: number;
  readonly blockSize: number;
  /** Outside of these there are only holes, which are not read. */
  readonly extents: readonly Extent[];
  readonly signal: AbortSignal;
}

/** The blocks that are not all zero, in order, one list per chunk read. */
export async function* nonZeroRuns(file: FileHandle, range: ScanRange): AsyncGenerator<readonly Run[]> {
  const size = Math.max(chunkBytes, range.blockSize);
  const chunk = Buffer.allocUnsafeSlow(size);
  const zeros = Buffer.alloc(size);
  for (const { at, length } of chunksOf(range, size)) {
    await readFull(file, chunk, length, at);
    yield differing(chunk, zeros, length, at, range.blockSize);
  }
}

/**
 * The blocks that differ between two files, in order, one list per chunk read; `extents` are those of both. A base that ends before `baseBytes` or
 * is shorter than the range tells nothing about the rest, which therefore counts as changed.
 */
export async function* changedRuns(
  base: FileHandle,
  baseBytes: number,
  target: FileHandle,
  range: ScanRange,
): AsyncGenerator<readonly Run[]> {
  const size = Math.max(chunkBytes, range.blockSize);
  const [old, now] = [Buffer.allocUnsafeSlow(size), Buffer.allocUnsafeSlow(size)];
  const common = Math.min(range.to, baseBytes - (baseBytes % range.blockSize));
  for (const { at, length } of chunksOf({ ...range, to: common }, size)) {
    await Promise.all([readFull(base, old, length, at), readFull(target, now, length, at)]);
    yield differing(now, old, length, at, range.blockSize);
  }
  const rest = Math.max(common, range.from);
  if (rest < range.to) yield [{ start: rest / range.blockSize, end: range.to / range.blockSize }];
}

function* chunksOf(range: ScanRange, size: number): Generator<{ at: number; length: number }> {
  for (const piece of pieces(unionOf(range.extents, range.blockSize, range), size)) {
    range.signal.throwIfAborted();
    yield piece;
  }
}

/** Blocks of `now` that are not equal to those of `old`; equal chunks cost one comparison. */
function differing(now: Buffer, old: Buffer, length: number, at: number, blockSize: number): readonly Run[] {
  if (now.compare(old, 0, length, 0, length) === 0) return [];
  return runsWhere(length / blockSize, at / blockSize, (block) => {
    const from = block * blockSize;
    return now.compare(old, from, from + blockSize, from, from + blockSize) !== 0;
  });
}
