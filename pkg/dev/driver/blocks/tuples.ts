import type { BlockMetadata } from "../../../gen/csi/v1/csi.ts";
import type { Run } from "./runs.ts";

/** Kinds of tuples that GetMetadataAllocated and GetMetadataDelta answer with. */
export type BlockType = "FIXED_LENGTH" | "VARIABLE_LENGTH";

export interface TupleOptions {
  readonly type: BlockType;
  readonly blockSize: number;
  /** Most tuples in one batch. */
  readonly max: number;
}

/**
 * Turns runs of blocks into batches of tuples. FIXED_LENGTH gives one tuple per block; VARIABLE_LENGTH gives one per
 * unbroken range, however many chunks and batches it spans. Empty batches are not made.
 */
export async function* tupleBatches(
  runs: AsyncIterable<readonly Run[]>,
  options: TupleOptions,
): AsyncGenerator<BlockMetadata[]> {
  const size = BigInt(options.blockSize);
  let batch: BlockMetadata[] = [];
  for await (const list of options.type === "FIXED_LENGTH" ? runs : joined(runs)) {
    for (const { start, end } of options.type === "FIXED_LENGTH" ? singleBlocks(list) : list) {
      batch.push({ byteOffset: BigInt(start) * size, sizeBytes: BigInt(end - start) * size });
      if (batch.length < options.max) continue;
      yield batch;
      batch = [];
    }
  }
  if (batch.length > 0) yield batch;
}

function* singleBlocks(runs: readonly Run[]): Generator<Run> {
  for (const run of runs) {
    for (let block = run.start; block < run.end; block++) yield { start: block, end: block + 1 };
  }
}

/** Runs that touch across lists become one; a run is held back until it is known to have ended. */
async function* joined(lists: AsyncIterable<readonly Run[]>): AsyncGenerator<readonly Run[]> {
  let open: Run | undefined;
  for await (const list of lists) {
    const closed: Run[] = [];
    for (const run of list) {
      if (open !== undefined && open.end === run.start) {
        open = { start: open.start, end: run.end };
        continue;
      }
      if (open !== undefined) closed.push(open);
      open = run;
    }
    yield closed;
  }
  if (open !== undefined) yield [open];
}
