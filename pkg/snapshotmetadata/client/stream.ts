import type { BlockRange, MetadataRecord } from "./record.ts";
import type { MetadataTarget } from "./target.ts";

/** What an iteration has seen so far. */
export interface MetadataProgress {
  readonly messages: number;
  readonly ranges: number;
  /** Sum of the ranges' sizes. */
  readonly rangeBytes: bigint;
  readonly resumes: number;
  /** End of the last range; where a resumed stream starts. */
  readonly offset: bigint;
  /** True only once nothing can be missing. */
  readonly complete: boolean;
}

/**
 * The ranges of one snapshot, pulled: nothing is asked for until the iteration starts, and a slow consumer slows the
 * driver. Iterates once. The iteration ends without an error only when every range has been seen.
 */
export interface MetadataStream extends AsyncIterable<MetadataRecord>, AsyncDisposable {
  readonly target: MetadataTarget;
  readonly progress: MetadataProgress;
  ranges(): AsyncIterable<BlockRange>;
  close(): Promise<void>;
}
