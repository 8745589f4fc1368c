import { median, quantile } from "../measure/median.ts";
import { residentBytes } from "../measure/proc.ts";
import { Worker } from "../measure/worker.ts";
import { type Bench, questionFor } from "./bench.ts";
import type { Called, CallerJob, Flooded } from "./caller.ts";
import type { Path } from "./paths.ts";
import type { Prepared, SourceJob } from "./source.ts";

/** A caller with a valid token, alone and beside somebody who tries tokens, both at one address. */
export interface FloodFigures {
  readonly path: string;
  readonly tokens: number;
  readonly atOnce: number;
  /** Random tokens that cost a token review; the rest was turned away. */
  readonly reviewed: number;
  readonly elapsedMs: number;
  /** One call after another. */
  readonly alone: Waits;
  readonly beside: Waits;
  /** Resident before, after the first flood, and after another of the same size. */
  readonly residentBytes: readonly [before: number, first: number, second: number];
}

export interface Waits {
  readonly p50Ms: number;
  readonly p95Ms: number;
}

/** Short enough to notice the end of the flood. */
const sliceMs = 500;

/** Measures what a flood of random tokens costs; undefined for a way without a process of its own. */
export async function measureFlood(bench: Bench, path: Path): Promise<FloodFigures | undefined> {
  const { pid, name } = path;
  if (pid === undefined) return undefined;
  const { tokens, atOnce, aloneMs } = bench.sizes.flood;
  bench.say(`cbt: ${tokens} random tokens, ${name}`);
  const snapshot = await bench.ground.snapshotOf(1);
  await bench.source.ask<Prepared>({ kind: "prepare", snapshot, perMessage: 1 } satisfies SourceJob);
  await using flooder = Worker.start(new URL("caller.ts", import.meta.url));
  const question = questionFor(bench, path, snapshot, 1);
  const callFor = async (forMs: number): Promise<number[]> => {
    const job: CallerJob = { kind: "calls", question, parallel: 1, forMs, atMost: Number.MAX_SAFE_INTEGER };
    return (await bench.caller.ask<Called>(job)).calls.map(({ totalMs }) => totalMs);
  };
  const flood = (): Promise<Flooded> =>
    flooder.ask<Flooded>({ kind: "flood", question, tokens, parallel: atOnce } satisfies CallerJob);
  await callFor(aloneMs);
  const alone = await callFor(aloneMs);
  const before = residentBytes(pid);
  let over = false;
  const flooding = flood().finally(() => {
    over = true;
  });
  const beside: number[] = [];
  while (!over) beside.push(...(await callFor(sliceMs)));
  const { reviewed, elapsedMs } = await flooding;
  const first = residentBytes(pid);
  await flood();
  return {
    path: name,
    tokens,
    atOnce,
    reviewed,
    elapsedMs,
    alone: waits(alone),
    beside: waits(beside),
    residentBytes: [before, first, residentBytes(pid)],
  };
}

const waits = (ms: readonly number[]): Waits => ({ p50Ms: median(ms), p95Ms: quantile(ms, 0.95) });
