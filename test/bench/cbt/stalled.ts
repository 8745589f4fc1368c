import { forgetPeak, peakBytes, residentBytes } from "../measure/proc.ts";
import { type Bench, questionFor } from "./bench.ts";
import type { CallerJob, Stalled } from "./caller.ts";
import type { Path } from "./paths.ts";
import type { Prepared, SourceJob } from "./source.ts";

/** Many callers at once that read one piece and then no more. */
export interface StalledFigures {
  readonly path: string;
  readonly streams: number;
  readonly tuplesEach: number;
  /** Before them, and the most while they stood still. */
  readonly beforeBytes: number;
  readonly peakBytes: number;
}

/** Measures what callers cost that do not read; undefined for a way without a process of its own. */
export async function measureStalled(bench: Bench, path: Path): Promise<StalledFigures | undefined> {
  const { pid, name } = path;
  if (pid === undefined) return undefined;
  const { streams, tuplesEach, perMessage } = bench.sizes.stalled;
  bench.say(`cbt: ${streams} callers that stop reading, ${name}`);
  const snapshot = await bench.ground.snapshotOf(tuplesEach);
  await bench.source.ask<Prepared>({ kind: "prepare", snapshot, perMessage } satisfies SourceJob);
  forgetPeak(pid);
  const beforeBytes = residentBytes(pid);
  const question = questionFor(bench, path, snapshot, perMessage);
  await bench.caller.ask<Stalled>({ kind: "stalled", question, streams } satisfies CallerJob);
  const peak = peakBytes(pid);
  await bench.caller.ask<Stalled>({ kind: "leave" } satisfies CallerJob);
  return { path: name, streams, tuplesEach, beforeBytes, peakBytes: peak };
}
