import { median } from "../measure/median.ts";
import { cpuSeconds, forgetPeak, peakBytes } from "../measure/proc.ts";
import { type Bench, questionFor, rounds } from "./bench.ts";
import type { Called, CallerJob } from "./caller.ts";
import type { Path } from "./paths.ts";
import type { Prepared, SourceJob } from "./source.ts";

/** How much is sent: so many tuples in all, by so many streams, and how often that is measured. */
export interface Load {
  readonly tuples: number;
  readonly perMessage: number;
  readonly streams: number;
  readonly rounds: number;
}

/** One way under one load; medians over the rounds. What has no process of its own has no memory and no CPU. */
export interface StreamFigures extends Load {
  readonly path: string;
  readonly tuplesPerSecond: number;
  readonly bytesPerSecond: number;
  readonly cpuSecondsPerMillion: number | undefined;
  readonly peakBytes: number | undefined;
}

interface StreamRun {
  readonly tuplesPerSecond: number;
  readonly bytesPerSecond: number;
  readonly cpu: number | undefined;
  readonly peak: number | undefined;
}

/** Measures every given way under one load, in turn. */
export async function measureStreams(bench: Bench, paths: readonly Path[], load: Load): Promise<StreamFigures[]> {
  const { ground, source } = bench;
  // The same amount in all, whether by one stream or by several.
  const each = Math.round(load.tuples / load.streams);
  const snapshot = await ground.snapshotOf(each);
  const { bytes } = await source.ask<Prepared>({
    kind: "prepare",
    snapshot,
    perMessage: load.perMessage,
  } satisfies SourceJob);
  const runs = new Map<string, StreamRun[]>(paths.map(({ name }) => [name, []]));
  const what = `${load.streams} stream(s) of ${each} tuples, ${load.perMessage} per message`;
  await rounds(bench, { what, counted: load.rounds, paths }, async (path, counts) => {
    const run = await runOnce(bench, path, { ...load, tuples: each * load.streams }, { snapshot, bytes });
    if (counts) runs.get(path.name)?.push(run);
  });
  return [...runs].map(([path, counted]) => ({
    ...load,
    path,
    tuplesPerSecond: median(counted.map((run) => run.tuplesPerSecond)),
    bytesPerSecond: median(counted.map((run) => run.bytesPerSecond)),
    cpuSecondsPerMillion: ofAll(counted, median, ({ cpu }) =>
      cpu === undefined ? undefined : cpu / (load.tuples / 1e6),
    ),
    // A limit on memory is met by every run or by none.
    peakBytes: ofAll(counted, most, ({ peak }) => peak),
  }));
}

async function runOnce(
  bench: Bench,
  path: Path,
  { tuples, perMessage, streams }: Load,
  { snapshot, bytes }: { readonly snapshot: string; readonly bytes: number },
): Promise<StreamRun> {
  const { pid } = path;
  if (pid !== undefined) forgetPeak(pid);
  const before = pid === undefined ? undefined : cpuSeconds(pid);
  const question = questionFor(bench, path, snapshot, perMessage);
  const { calls, elapsedMs } = await bench.caller.ask<Called>({
    kind: "streams",
    question,
    streams,
  } satisfies CallerJob);
  const wrong = calls.find((call) => call.bytes !== bytes);
  if (wrong) {
    throw new Error(`${path.name}: ${wrong.bytes} bytes arrived of ${bytes}: what it measures is not a stream`);
  }
  return {
    tuplesPerSecond: tuples / (elapsedMs / 1000),
    bytesPerSecond: (bytes * streams) / (elapsedMs / 1000),
    cpu: pid === undefined || before === undefined ? undefined : cpuSeconds(pid) - before,
    peak: pid === undefined ? undefined : peakBytes(pid),
  };
}

function ofAll<T>(
  runs: readonly T[],
  pick: (values: readonly number[]) => number,
  figure: (run: T) => number | undefined,
): number | undefined {
  const values = runs.map(figure).filter((value) => value !== undefined);
  return values.length === 0 ? undefined : pick(values);
}

const most = (values: readonly number[]): number => Math.max(...values);
