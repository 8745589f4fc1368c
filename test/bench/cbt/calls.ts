import { median, quantile } from "../measure/median.ts";
import { type Bench, questionFor, rounds } from "./bench.ts";
import type { Called, CallerJob } from "./caller.ts";
import type { Prepared, SourceJob } from "./source.ts";

/** One way, calls of one message; medians over the rounds. */
export interface CallFigures {
  readonly path: string;
  readonly callsPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Time to the first message when nothing else goes on. */
  readonly firstMessageMs: number;
  readonly idleBytes: number | undefined;
}

/** What one message carries at most, for calls of one message. */
const oneMessage = 256;

/** Measures calls of one message by every way. `idle` is the memory of each before anything was asked of it. */
export async function measureCalls(
  bench: Bench,
  idle: ReadonlyMap<string, number | undefined>,
): Promise<CallFigures[]> {
  const { sizes, ground, source, caller, paths } = bench;
  const snapshot = await ground.snapshotOf(oneMessage);
  await source.ask<Prepared>({ kind: "prepare", snapshot, perMessage: oneMessage } satisfies SourceJob);
  const runs = new Map<string, { busy: Called; quiet: Called }[]>(paths.map(({ name }) => [name, []]));
  await rounds(bench, { what: "calls of one message", counted: sizes.callRounds, paths }, async (path, counts) => {
    const question = questionFor(bench, path, snapshot, oneMessage);
    const ask = (parallel: number, atMost: number): Promise<Called> =>
      caller.ask({ kind: "calls", question, parallel, forMs: sizes.callsMs, atMost } satisfies CallerJob);
    const quiet = await ask(1, sizes.firstMessages);
    const busy = await ask(sizes.callers, Number.MAX_SAFE_INTEGER);
    if (counts) runs.get(path.name)?.push({ quiet, busy });
  });
  return [...runs].map(([path, counted]) => {
    const over = (figure: (run: { busy: Called; quiet: Called }) => number): number => median(counted.map(figure));
    const tookMs = ({ calls }: Called): number[] => calls.map((call) => call.totalMs);
    return {
      path,
      callsPerSecond: over(({ busy }) => busy.calls.length / (busy.elapsedMs / 1000)),
      p50Ms: over(({ busy }) => median(tookMs(busy))),
      p99Ms: over(({ busy }) => quantile(tookMs(busy), 0.99)),
      firstMessageMs: over(({ quiet }) => median(quiet.calls.map((call) => call.firstMs))),
      idleBytes: idle.get(path),
    };
  });
}
