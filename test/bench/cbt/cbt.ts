import { join } from "node:path";
import type { Ground } from "../ground.ts";
import { residentBytes } from "../measure/proc.ts";
import type { Programs } from "../measure/programs.ts";
import { Worker } from "../measure/worker.ts";
import type { Sizes } from "../sizes.ts";
import type { Bench } from "./bench.ts";
import { type CallFigures, measureCalls } from "./calls.ts";
import { type FloodFigures, measureFlood } from "./flood.ts";
import { openPaths, type Path, sidecars } from "./paths.ts";
import type { SourceJob } from "./source.ts";
import { measureStalled, type StalledFigures } from "./stalled.ts";
import { measureStreams, type StreamFigures } from "./streams.ts";

export interface CbtFigures {
  readonly cluster: Ground["clusterKind"];
  /** Names of the ways that are the original, without the limits of its own on the API server. */
  readonly peers: readonly string[];
  readonly callers: number;
  readonly callRounds: number;
  readonly streams: readonly StreamFigures[];
  readonly calls: readonly CallFigures[];
  readonly stalled: readonly StalledFigures[];
  readonly floods: readonly FloodFigures[];
}

export interface CbtDeps {
  readonly ground: Ground;
  readonly programs: Programs;
  readonly binDir: string;
  readonly peers: readonly string[];
  readonly sizes: Sizes["cbt"];
  readonly say: (line: string) => void;
}

/** Measures every way in turn, round after round, so that what disturbs the machine disturbs them all. */
export async function measureCbt(deps: CbtDeps): Promise<CbtFigures> {
  const { ground, sizes, say } = deps;
  await using stack = new AsyncDisposableStack();
  const source = stack.use(Worker.start(new URL("source.ts", import.meta.url)));
  const caller = stack.use(Worker.start(new URL("caller.ts", import.meta.url)));
  const socket = join(ground.folder, "source.sock");
  const serve: SourceJob = { kind: "serve", socket, driverName: ground.driverName, ...ground.files };
  const directPort = await source.ask<number>(serve);
  const paths = await openPaths(stack, { ...deps, socket, directPort });
  const bench: Bench = { ground, sizes, say, source, caller, paths };
  const idle = new Map(paths.map(({ name, pid }) => [name, pid === undefined ? undefined : residentBytes(pid)]));
  const calls = await measureCalls(bench, idle);
  const streams: StreamFigures[] = [];
  for (const load of loads(sizes)) streams.push(...(await measureStreams(bench, pathsOf(bench, load), load)));
  const stalled: StalledFigures[] = [];
  for (const path of paths.filter(isOurs)) {
    const figures = await measureStalled(bench, path);
    if (figures !== undefined) stalled.push(figures);
  }
  const floods: FloodFigures[] = [];
  for (const path of paths.filter(({ name }) => name === sidecars.strict)) {
    const figures = await measureFlood(bench, path);
    if (figures !== undefined) floods.push(figures);
  }
  return {
    cluster: ground.clusterKind,
    peers: paths.filter(({ peer }) => peer).map(({ name }) => name),
    callers: sizes.callers,
    callRounds: sizes.callRounds,
    streams,
    calls,
    stalled,
    floods,
  };
}

/** A load, and whether only our sidecar has to show that it can bear it. */
interface Wanted {
  readonly tuples: number;
  readonly perMessage: number;
  readonly streams: number;
  readonly rounds: number;
  readonly oursOnly: boolean;
}

function loads({ amounts, perMessage, streams }: Sizes["cbt"]): Wanted[] {
  return amounts.flatMap(({ tuples, rounds, oursOnly = false }) =>
    perMessage.flatMap((each) =>
      streams.map((count) => ({ tuples, rounds, oursOnly, perMessage: each, streams: count })),
    ),
  );
}

const isOurs = ({ name }: Path): boolean => name === sidecars.off || name === sidecars.strict;

const pathsOf = ({ paths }: Bench, { oursOnly }: Wanted): Path[] =>
  paths.filter((path) => (oursOnly ? path.name === sidecars.strict : path.only === undefined));
