import { chunkBytes, cut } from "./chunks.ts";

/** Where two devices differ. Counted in blocks of `differenceBlockBytes`. */
export interface Comparison {
  readonly comparedBytes: number;
  readonly differingBlocks: number;
  /** Byte position of the first difference. */
  readonly firstDifference?: number;
}

/** Fills a buffer from a byte position. */
export type ReadAt = (buffer: Uint8Array, position: number) => Promise<void>;

export interface CompareOptions {
  readonly length: number;
  /** Told after each piece up to which byte the devices were compared. */
  readonly onPassed?: (doneBytes: number) => void;
  readonly signal?: AbortSignal;
}

/** Grain in which differences are counted. */
export const differenceBlockBytes = 4096;

/** Compares the first `length` bytes of two devices byte for byte, to the end even after a difference. */
export async function compareDevices(
  one: ReadAt,
  other: ReadAt,
  { length: whole, onPassed, signal }: CompareOptions,
): Promise<Comparison> {
  const left = Buffer.allocUnsafe(chunkBytes);
  const right = Buffer.allocUnsafe(chunkBytes);
  let differingBlocks = 0;
  let firstDifference: number | undefined;
  for (const { position, length } of cut(0, whole)) {
    signal?.throwIfAborted();
    const [a, b] = [left.subarray(0, length), right.subarray(0, length)];
    await Promise.all([one(a, position), other(b, position)]);
    onPassed?.(position + length);
    if (a.equals(b)) continue;
    for (let at = 0; at < length; at += differenceBlockBytes) {
      if (
        a.compare(
          b,
          at,
          Math.min(at + differenceBlockBytes, length),
          at,
          Math.min(at + differenceBlockBytes, length),
        ) === 0
      ) {
        continue;
      }
      differingBlocks += 1;
      firstDifference ??= position + firstDifferingByte(a, b, at);
    }
  }
  return { comparedBytes: whole, differingBlocks, ...(firstDifference === undefined ? {} : { firstDifference }) };
}

function firstDifferingByte(a: Uint8Array, b: Uint8Array, from: number): number {
  let at = from;
  while (a[at] === b[at]) at += 1;
  return at;
}
