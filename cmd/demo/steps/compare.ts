import { createHash } from "node:crypto";
import { open } from "node:fs/promises";

/** How two devices compare. */
export interface Verdict {
  readonly equal: boolean;
  readonly bytes: number;
  /** SHA-256 of the first. */
  readonly digest: string;
  readonly differingBlocks: number;
  readonly firstDifference?: number;
}

const pieceBytes = 4 * 2 ** 20;
const blockBytes = 4096;

/**
 * Compares two devices byte for byte, from beginning to end. On purpose it shares nothing with the code that rebuilt
 * one of them.
 */
export async function compare(onePath: string, otherPath: string, signal: AbortSignal): Promise<Verdict> {
  await using one = await open(onePath, "r");
  await using other = await open(otherPath, "r");
  const [{ size }, { size: otherSize }] = [await one.stat(), await other.stat()];
  const hash = createHash("sha256");
  let differingBlocks = 0;
  let firstDifference: number | undefined = size === otherSize ? undefined : Math.min(size, otherSize);
  for (let at = 0; at < size; at += pieceBytes) {
    signal.throwIfAborted();
    const [left, right] = [Buffer.alloc(pieceBytes), Buffer.alloc(pieceBytes)];
    const [{ bytesRead }] = await Promise.all([
      one.read(left, 0, pieceBytes, at),
      other.read(right, 0, pieceBytes, at),
    ]);
    hash.update(left.subarray(0, bytesRead));
    for (let block = 0; !left.equals(right) && block < bytesRead; block += blockBytes) {
      if (left.subarray(block, block + blockBytes).equals(right.subarray(block, block + blockBytes))) continue;
      differingBlocks += 1;
      firstDifference = Math.min(firstDifference ?? Number.POSITIVE_INFINITY, at + block);
    }
  }
  const equal = differingBlocks === 0 && size === otherSize;
  return {
    equal,
    bytes: size,
    digest: hash.digest("hex"),
    differingBlocks,
    ...(firstDifference === undefined ? {} : { firstDifference }),
  };
}
