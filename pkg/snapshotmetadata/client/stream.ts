import type { Tally } from "./iterate.ts";
import type { Ladder, TierStep } from "./ladder.ts";
import type { BlockRange, MetadataRecord, MetadataTier } from "./record.ts";
import type { RuleCheck } from "./rules.ts";
import type { MetadataTarget } from "./target.ts";
import type { MetadataTransport } from "./transport.ts";

/** What an iteration has seen so far. */
export interface MetadataProgress {
  readonly messages: number;
  readonly ranges: number;
  /** Sum of the ranges' sizes. */
  readonly rangeBytes: bigint;
  /** Encoded size of the messages received. */
  readonly wireBytes: number;
  readonly resumes: number;
  /** End of the last range; where a resumed stream starts. */
  readonly offset: bigint;
  /** Absent until the first message. */
  readonly volumeCapacityBytes: bigint | undefined;
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
  /** What the ranges are. May go down until the first range, and not after. */
  readonly tier: MetadataTier;
  /** The tiers that could not be had, in the order tried. */
  readonly steps: readonly TierStep[];
  /** The records' ranges one by one; instead of iterating over the records. */
  ranges(): AsyncIterable<BlockRange>;
  /** Ends the iteration, if one runs, and the connection. Safe to call twice. */
  close(): Promise<void>;
}

export interface StreamParts {
  readonly target: MetadataTarget;
  readonly records: AsyncGenerator<MetadataRecord, void>;
  readonly tally: Tally;
  readonly rules: RuleCheck;
  readonly ladder: Ladder;
  readonly transport: MetadataTransport | undefined;
  readonly closing: AbortController;
}

/** Puts the public face on an iteration. */
export function metadataStream(parts: StreamParts): MetadataStream {
  const { target, records, tally, rules, ladder, transport, closing } = parts;
  const close = async (): Promise<void> => {
    closing.abort(new Error("the metadata stream was closed"));
    transport?.close();
  };
  return {
    target,
    get tier() {
      return ladder.tier;
    },
    get steps() {
      return ladder.steps;
    },
    get progress() {
      const { offset, capacity } = rules;
      return { ...tally, wireBytes: transport?.wireBytes ?? 0, offset, volumeCapacityBytes: capacity };
    },
    [Symbol.asyncIterator]: () => records,
    async *ranges() {
      for await (const record of records) yield* record.ranges;
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}
