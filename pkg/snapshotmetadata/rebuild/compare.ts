import { chunkBytes, cut } from "./chunks.ts";
import { type Device, readFully } from "./device.ts";

/** Where two devices differ. Counted in blocks of `differenceBlockBytes`. */
export interface Comparison {
  readonly comparedBytes: number;
  readonly differingBlocks: number;
  /** Byte position of the first difference. */
  readonly firstDifference?: number;
}

/** Grain in which differences are counted. */
export const differenceBlockBytes = 4096;

/** Compares [from, to) of two devices byte for byte, to the end even after a difference. */
export async function compareDevices(
  one: Device,
  other: Device,
  { from = 0, to, signal }: { readonly from?: number; readonly to: number; readonly signal?: AbortSignal },
): Promise<Comparison> {
  const left = Buffer.allocUnsafe(chunkBytes);
  const right = Buffer.allocUnsafe(chunkBytes);
  let differingBlocks = 0;
  let firstDifference: number | undefined;
  for (const { position, length } of cut(from, to)) {
    signal?.throwIfAborted();
    const [a, b] = [left.subarray(0, length), right.subarray(0, length)];
    await Promise.all([readFully(one, a, position), readFully(other, b, position)]);
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
  return { comparedBytes: to - from, differingBlocks, ...(firstDifference === undefined ? {} : { firstDifference }) };
}

function firstDifferingByte(a: Uint8Array, b: Uint8Array, from: number): number {
  let at = from;
  while (a[at] === b[at]) at += 1;
  return at;
}
