import { Refusal } from "../rpc/refusal.ts";
import type { SnapshotRecord } from "../store/records.ts";
import type { MetadataContext } from "./context.ts";

const defaultTuples = 256;
/** However many tuples are asked for, one message stays far below every receive limit. */
const mostTuples = 16_384;

/** What one stream covers. */
export interface StreamPlan {
  /** Bytes; the snapshot's own size, whatever became of the volume. */
  readonly capacityBytes: bigint;
  /** Bytes; where reading begins, a multiple of the block size at or before the asked offset. */
  readonly from: number;
  /** Bytes; divides the capacity, so that all blocks are of one size and none reaches beyond it. */
  readonly blockSize: number;
  readonly maxTuples: number;
}

/** Checks offset and page size against the snapshot. */
export function planOf(
  context: MetadataContext,
  snapshot: SnapshotRecord,
  request: { readonly startingOffset: bigint; readonly maxResults: number },
): StreamPlan {
  const { startingOffset, maxResults } = request;
  if (maxResults < 0) throw new Refusal("INVALID_ARGUMENT", `max_results ${maxResults} is negative`);
  if (startingOffset < 0n) throw new Refusal("OUT_OF_RANGE", `starting_offset ${startingOffset} is negative`);
  if (startingOffset > snapshot.sizeBytes) {
    const found = `starting_offset ${startingOffset} is beyond the snapshot`;
    throw new Refusal("OUT_OF_RANGE", `${found}, which has ${snapshot.sizeBytes} bytes`);
  }
  const blockSize = dividing(context.blockSize, snapshot.sizeBytes);
  const start = Number(startingOffset);
  return {
    capacityBytes: snapshot.sizeBytes,
    from: start - (start % blockSize),
    blockSize,
    maxTuples: maxResults === 0 ? defaultTuples : Math.min(maxResults, mostTuples),
  };
}

/** A snapshot may be older than the block size the driver runs with now. Both are powers of two or multiples of one. */
function dividing(blockSize: number, capacity: bigint): number {
  let size = blockSize;
  while (size > 1 && capacity % BigInt(size) !== 0n) size /= 2;
  return size;
}
