import { join } from "node:path";
import type { Ground } from "../ground.ts";
import { median, quantile } from "../measure/median.ts";
import { cpuSeconds, forgetPeak, peakBytes, residentBytes } from "../measure/proc.ts";
import type { Programs } from "../measure/programs.ts";
import { Worker } from "../measure/worker.ts";
import type { Sizes } from "../sizes.ts";
import type { Called, CallerJob, Question } from "./caller.ts";
import { openPaths, type Path } from "./paths.ts";
import type { Prepared, SourceJob } from "./source.ts";

/** One way, one shape of stream; medians over the rounds. What has no process of its own has no memory and no CPU. */
export interface StreamFigures {
  readonly path: string;
  readonly perMessage: number;
  readonly streams: number;
  readonly tuplesPerSecond: number;
  readonly bytesPerSecond: number;
  readonly cpuSecondsPerMillion: number | undefined;
  readonly peakBytes: number | undefined;
}

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

export interface CbtFigures {
  readonly cluster: Ground["clusterKind"];
  readonly peerFound: boolean;
  readonly tuples: number;
  readonly callers: number;
  readonly rounds: number;
  readonly streams: readonly StreamFigures[];
  readonly calls: readonly CallFigures[];
}

export interface CbtDeps {
  readonly ground: Ground;
  readonly programs: Programs;
  readonly binDir: string;
  readonly peer: string | undefined;
  readonly sizes: Sizes["cbt"];
  readonly say: (line: string) => void;
}

/** What one message carries at most, for calls of one message. */
const oneMessage = 256;

/** Measures every way in turn, round after round, so that what disturbs the machine disturbs them all. */
export async function measureCbt(deps: CbtDeps): Promise<CbtFigures> {
  const { ground, sizes } = deps;
  await using stack = new AsyncDisposableStack();
  const source = stack.use(Worker.start(new URL("source.ts", import.meta.url)));
  const caller = stack.use(Worker.start(new URL("caller.ts", import.meta.url)));
  const socket = join(ground.folder, "source.sock");
  const serve: SourceJob = { kind: "serve", socket, driverName: ground.driverName, ...ground.files };
  const directPort = await source.ask<number>(serve);
  const paths = await openPaths(stack, { ...deps, socket, directPort });
  const bench: Bench = { ...deps, source, caller, paths };
  const idle = new Map(paths.map(({ name, pid }) => [name, pid === undefined ? undefined : residentBytes(pid)]));
  const calls = await measureCalls(bench, idle);
  const streams: StreamFigures[] = [];
  for (const perMessage of sizes.perMessage) {
    for (const count of sizes.streams) streams.push(...(await measureStreams(bench, perMessage, count)));
  }
  return {
    cluster: ground.clusterKind,
    peerFound: deps.peer !== undefined,
    tuples: sizes.tuples,
    callers: sizes.callers,
    rounds: sizes.rounds,
    streams,
    calls,
  };
}

interface Bench extends CbtDeps {
  readonly source: Worker;
  readonly caller: Worker;
  readonly paths: readonly Path[];
}

function questionFor({ ground }: Bench, { port }: Path, snapshot: string, perMessage: number): Question {
  const { caPem, token, namespace } = ground;
  return { port, caPem, token, namespace, snapshot, perMessage };
}

/** One time around all ways first, not counted: a process that has not done it yet is not what is measured. */
async function rounds(bench: Bench, what: string, paths: readonly Path[], run: (path: Path) => Promise<void>) {
  for (let round = 0; round <= bench.sizes.rounds; round += 1) {
    for (const path of paths) {
      bench.say(`cbt: ${what}, ${round === 0 ? "warming up" : `round ${round}`}, ${path.name}`);
      await run(path);
    }
  }
}

interface StreamRun {
  readonly tuplesPerSecond: number;
  readonly bytesPerSecond: number;
  readonly cpu: number | undefined;
  readonly peak: number | undefined;
}

async function measureStreams(bench: Bench, perMessage: number, streams: number): Promise<StreamFigures[]> {
  const { sizes, ground, source, caller } = bench;
  // The same amount in all, whether by one stream or by several.
  const tuples = Math.round(sizes.tuples / streams);
  const snapshot = await ground.snapshotOf(tuples);
  const { bytes } = await source.ask<Prepared>({ kind: "prepare", snapshot, perMessage } satisfies SourceJob);
  const paths = bench.paths.filter(({ only }) => only === undefined);
  const runs = new Map<string, StreamRun[]>(paths.map(({ name }) => [name, []]));
  const what = `${streams} stream(s) of ${tuples} tuples, ${perMessage} per message`;
  await rounds(bench, what, paths, async (path) => {
    const { pid } = path;
    if (pid !== undefined) forgetPeak(pid);
    const before = pid === undefined ? undefined : cpuSeconds(pid);
    const question = questionFor(bench, path, snapshot, perMessage);
    const job: CallerJob = { kind: "streams", question, streams };
    const { calls, elapsedMs } = await caller.ask<Called>(job);
    const wrong = calls.find((call) => call.bytes !== bytes);
    if (wrong)
      throw new Error(`${path.name}: ${wrong.bytes} bytes arrived of ${bytes}: what it measures is not a stream`);
    runs.get(path.name)?.push({
      tuplesPerSecond: (tuples * streams) / (elapsedMs / 1000),
      bytesPerSecond: (bytes * streams) / (elapsedMs / 1000),
      cpu: pid === undefined || before === undefined ? undefined : cpuSeconds(pid) - before,
      peak: pid === undefined ? undefined : peakBytes(pid),
    });
  });
  return [...runs].map(([path, [, ...counted]]) => ({
    path,
    perMessage,
    streams,
    tuplesPerSecond: median(counted.map((run) => run.tuplesPerSecond)),
    bytesPerSecond: median(counted.map((run) => run.bytesPerSecond)),
    cpuSecondsPerMillion: ofAll(counted, ({ cpu }) =>
      cpu === undefined ? undefined : cpu / ((tuples * streams) / 1e6),
    ),
    peakBytes: ofAll(counted, ({ peak }) => peak),
  }));
}

async function measureCalls(bench: Bench, idle: ReadonlyMap<string, number | undefined>): Promise<CallFigures[]> {
  const { sizes, ground, source, caller } = bench;
  const snapshot = await ground.snapshotOf(oneMessage);
  await source.ask<Prepared>({ kind: "prepare", snapshot, perMessage: oneMessage } satisfies SourceJob);
  const runs = new Map<string, { busy: Called; quiet: Called }[]>(bench.paths.map(({ name }) => [name, []]));
  await rounds(bench, "calls of one message", bench.paths, async (path) => {
    const question = questionFor(bench, path, snapshot, oneMessage);
    const ask = (parallel: number, atMost: number): Promise<Called> =>
      caller.ask({ kind: "calls", question, parallel, forMs: sizes.callsMs, atMost } satisfies CallerJob);
    const quiet = await ask(1, sizes.firstMessages);
    runs.get(path.name)?.push({ quiet, busy: await ask(sizes.callers, Number.MAX_SAFE_INTEGER) });
  });
  return [...runs].map(([path, [, ...counted]]) => {
    const over = (figure: (run: { busy: Called; quiet: Called }) => number): number => median(counted.map(figure));
    return {
      path,
      callsPerSecond: over(({ busy }) => busy.calls.length / (busy.elapsedMs / 1000)),
      p50Ms: over(({ busy }) => median(busy.calls.map((call) => call.totalMs))),
      p99Ms: over(({ busy }) =>
        quantile(
          busy.calls.map((call) => call.totalMs),
          0.99,
        ),
      ),
      firstMessageMs: over(({ quiet }) => median(quiet.calls.map((call) => call.firstMs))),
      idleBytes: idle.get(path),
    };
  });
}

function ofAll<T>(runs: readonly T[], figure: (run: T) => number | undefined): number | undefined {
  const values = runs.map(figure).filter((value) => value !== undefined);
  return values.length === 0 ? undefined : median(values);
}
