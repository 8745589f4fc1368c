import { BlockMetadataType } from "../../gen/snapshotmetadata/snapshotmetadata.ts";
import { messageOf } from "../../runtime/errors/index.ts";
import type { Clock } from "../../runtime/timing/index.ts";
import { cancelled, MetadataFailure } from "./failure.ts";
import { type Ladder, lowerTierOf } from "./ladder.ts";
import type { ResumeNotice, ResumePolicy } from "./options.ts";
import { endOf, type MetadataRecord, type MetadataTier } from "./record.ts";
import { nameOf, type RuleCheck } from "./rules.ts";
import type { MetadataMessage, MetadataQuestion, MetadataTransport } from "./transport.ts";

export interface IterationDeps {
  /** Absent when there is no metadata service; the ladder then stands at the full volume. */
  readonly transport: MetadataTransport | undefined;
  /** Called for each stream that is opened. */
  readonly freshToken: (signal: AbortSignal) => Promise<string>;
  readonly question: Omit<MetadataQuestion, "token" | "startingOffset">;
  readonly ladder: Ladder;
  /** Size of the volume as the API tells it. */
  readonly knownSizeBytes: bigint | undefined;
  readonly rules: RuleCheck;
  readonly tally: Tally;
  readonly policy: ResumePolicy;
  readonly clock: Clock;
  readonly onResume: (notice: ResumeNotice) => void;
}

/** Counts of one iteration, written only by it. */
export interface Tally {
  messages: number;
  ranges: number;
  rangeBytes: bigint;
  resumes: number;
  complete: boolean;
}

/** Yields records until nothing can be missing, from the highest tier that can be had. Throws MetadataFailure. */
export async function* iterate(deps: IterationDeps, signal: AbortSignal): AsyncGenerator<MetadataRecord, void> {
  const { ladder, rules, tally, transport } = deps;
  let sizeBytes = largerOf(undefined, deps.knownSizeBytes);
  while (ladder.tier !== "full" && transport) {
    try {
      yield* resumed(deps, transport, ladder.tier, signal);
      return;
    } catch (thrown) {
      const failure = asFailure(thrown, signal);
      if (tally.ranges > 0) throw tooLate(failure, deps);
      ladder.descend(failure);
      sizeBytes = largerOf(sizeBytes, rules.capacity);
      rules.restarted();
    }
  }
  yield* wholeVolume(deps, sizeBytes);
}

/** A driver that can not tell ranges may not tell the size either: 0 is no size, and too much to read loses nothing. */
function largerOf(known: bigint | undefined, told: bigint | undefined): bigint | undefined {
  return told === undefined || told <= (known ?? 0n) ? known : told;
}

/** One tier's records, over as many streams as it takes. */
async function* resumed(
  deps: IterationDeps,
  transport: MetadataTransport,
  tier: MetadataTier,
  signal: AbortSignal,
): AsyncGenerator<MetadataRecord, void> {
  const { rules, tally, policy, clock } = deps;
  const { baseHandle, ...allocated } = deps.question;
  const question = tier === "delta" && baseHandle !== undefined ? { ...allocated, baseHandle } : allocated;
  let barren = 0;
  for (;;) {
    try {
      const token = await deps.freshToken(signal);
      for await (const message of transport.ask({ ...question, token, startingOffset: rules.offset }, signal)) {
        const record = toRecord(message, deps);
        if (record.ranges.length > 0) barren = 0;
        yield record;
      }
      tally.complete = true;
      return;
    } catch (thrown) {
      const failure = asFailure(thrown, signal);
      if (failure.kind !== "transient") throw failure;
      // Nothing may follow a range that ends at the capacity; asked again, some drivers answer OUT_OF_RANGE.
      if (tally.ranges > 0 && rules.capacity !== undefined && rules.offset >= rules.capacity) {
        tally.complete = true;
        return;
      }
      barren += 1;
      if (barren >= policy.attempts) throw givenUp(failure, tally, rules.offset, barren);
      const pauseMs = Math.max(pauseAfter(barren, policy), failure.recheckMs ?? 0);
      deps.onResume({ offset: rules.offset, attempt: barren, pauseMs, because: failure });
      await clock.sleep(pauseMs, signal).catch(() => Promise.reject(cancelled(signal)));
      tally.resumes += 1;
      rules.resumed();
    }
  }
}

/** The last tier: one range over all that was asked for. Nothing can be missing from it. */
function* wholeVolume(
  { rules, tally, ladder }: IterationDeps,
  sizeBytes: bigint | undefined,
): Generator<MetadataRecord, void> {
  if (sizeBytes === undefined) {
    const cause = ladder.steps.at(-1)?.failure;
    const message =
      "the whole volume would have to be read, but its size is not known: no message and no status.restoreSize of the " +
      `snapshot's content tells it${cause ? ` (${cause.message})` : ""}`;
    throw new MetadataFailure("terminal", "SizeUnknown", message, { cause });
  }
  const { offset } = rules;
  const blockMetadata = offset < sizeBytes ? [{ byteOffset: offset, sizeBytes: sizeBytes - offset }] : [];
  const blockMetadataType = BlockMetadataType.VARIABLE_LENGTH;
  yield toRecord({ blockMetadataType, volumeCapacityBytes: sizeBytes, blockMetadata }, { rules, tally });
  tally.complete = true;
}

/** After the first range another tier would name what was given already: only the caller can start over. */
function tooLate(failure: MetadataFailure, { ladder, rules }: IterationDeps): MetadataFailure {
  const { tier } = ladder;
  const lowerTier = lowerTierOf(tier, failure);
  if (lowerTier === undefined) return failure;
  const message =
    `the ${tier} ranges ended at byte ${rules.offset} and the rest of them can not be had: ${failure.message}; ` +
    `what was given is not complete, start over with ${lowerTier} ranges`;
  const code = failure.code === undefined ? {} : { code: failure.code };
  return new MetadataFailure("terminal", "TierLost", message, { cause: failure, lowerTier, ...code });
}

function toRecord(message: MetadataMessage, { rules, tally }: Pick<IterationDeps, "rules" | "tally">): MetadataRecord {
  const ranges = rules.accept(message);
  tally.messages += 1;
  tally.ranges += ranges.length;
  for (const range of ranges) tally.rangeBytes += endOf(range) - range.byteOffset;
  return {
    number: tally.messages,
    type: nameOf(message.blockMetadataType),
    volumeCapacityBytes: message.volumeCapacityBytes,
    ranges,
  };
}

function asFailure(thrown: unknown, signal: AbortSignal): MetadataFailure {
  if (signal.aborted) return cancelled(signal);
  if (thrown instanceof MetadataFailure) return thrown;
  return new MetadataFailure("terminal", "ServerError", messageOf(thrown), { cause: thrown });
}

function pauseAfter(attempt: number, { firstPauseMs, longestPauseMs }: ResumePolicy): number {
  return Math.min(longestPauseMs, firstPauseMs * 2 ** (attempt - 1));
}

function givenUp(failure: MetadataFailure, tally: Tally, offset: bigint, attempts: number): MetadataFailure {
  const hint = { cause: failure, ...(failure.code === undefined ? {} : { code: failure.code }) };
  const tried = attempts === 1 ? "" : ` (${attempts} attempts)`;
  if (tally.messages === 0) return new MetadataFailure("transient", failure.reason, `${failure.message}${tried}`, hint);
  const message = `incomplete: only the ranges before byte ${offset} are known: ${failure.message}${tried}`;
  return new MetadataFailure("transient", "Incomplete", message, hint);
}
