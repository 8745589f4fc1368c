import { messageOf } from "../../runtime/errors/index.ts";
import type { Clock } from "../../runtime/timing/index.ts";
import { cancelled, MetadataFailure } from "./failure.ts";
import type { ResumeNotice, ResumePolicy } from "./options.ts";
import { endOf, type MetadataRecord } from "./record.ts";
import { nameOf, type RuleCheck } from "./rules.ts";
import type { MetadataMessage, MetadataQuestion, MetadataTransport } from "./transport.ts";

export interface IterationDeps {
  readonly transport: MetadataTransport;
  /** Called for each stream that is opened. */
  readonly freshToken: (signal: AbortSignal) => Promise<string>;
  readonly question: Omit<MetadataQuestion, "token" | "startingOffset">;
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

/** Yields records until nothing can be missing, over as many streams as it takes. Throws MetadataFailure. */
export async function* iterate(deps: IterationDeps, signal: AbortSignal): AsyncGenerator<MetadataRecord, void> {
  const { transport, rules, tally, policy, clock } = deps;
  let barren = 0;
  for (;;) {
    try {
      const token = await deps.freshToken(signal);
      for await (const message of transport.ask({ ...deps.question, token, startingOffset: rules.offset }, signal)) {
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
      const pauseMs = pauseAfter(barren, policy);
      deps.onResume({ offset: rules.offset, attempt: barren, pauseMs, because: failure });
      await clock.sleep(pauseMs, signal).catch(() => Promise.reject(cancelled(signal)));
      tally.resumes += 1;
      rules.resumed();
    }
  }
}

function toRecord(message: MetadataMessage, { rules, tally }: IterationDeps): MetadataRecord {
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
