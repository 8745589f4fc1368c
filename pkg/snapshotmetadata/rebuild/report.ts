import type { Comparison } from "./compare.ts";

/**
 * How thoroughly a rebuilt target is checked before it counts: `full` compares every byte of the snapshot with the source,
 * and wants zeros where the source reaches beyond the snapshot.
 */
export type Verification = "full" | "none";

/** What a rebuild did, and what it cost. Sizes in bytes, times in milliseconds. */
export interface RebuildReport {
  readonly targetPath: string;
  /** Size of the snapshot, and of what was built. */
  readonly volumeCapacityBytes: number;
  /** Size of the source device; not below the snapshot's. */
  readonly sourceSizeBytes: number;
  /** Ranges the metadata service named, and their sum. */
  readonly ranges: number;
  readonly rangeBytes: number;
  readonly messages: number;
  readonly wireBytes: number;
  /** Streams that broke and were taken up again. */
  readonly resumes: number;
  /** Read from the source device to build the target; verification not included. */
  readonly sourceBytesRead: number;
  /** Read from the base image. */
  readonly baseBytesRead: number;
  readonly targetBytesWritten: number;
  readonly baseMs: number;
  readonly applyMs: number;
  readonly verifyMs: number;
  readonly verification: Verification;
  /** Read from the source and again from the target to compare them; 0 without verification. */
  readonly verifiedBytes: number;
}

/** Says how a target differs from its source. */
export function describeDifference(
  { differingBlocks, firstDifference, comparedBytes }: Comparison,
  grain: number,
): string {
  const blocks = differingBlocks === 1 ? "1 block" : `${differingBlocks} blocks`;
  return `${blocks} of ${grain} bytes differ${differingBlocks === 1 ? "s" : ""} among ${comparedBytes} bytes compared, first at byte ${firstDifference}`;
}
