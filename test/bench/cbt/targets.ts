import { cell, type Table } from "../report/table.ts";
import type { CbtFigures } from "./cbt.ts";
import { decodingProxy, sidecars } from "./paths.ts";
import type { StreamFigures } from "./streams.ts";

/** A target: the figure that decides, which is the worst of all loads, and what it must keep. */
interface Target {
  readonly what: string;
  readonly limit: number;
  readonly atMost?: true;
  /** Undefined where it could not be measured. */
  readonly worst: number | undefined;
  readonly digits: number;
}

/** What was wanted, beside what came out. */
export function targetTable(figures: CbtFigures): Table {
  return {
    title: "Changed block tracking: targets",
    columns: ["target", "limit", "worst measured", "result"],
    rows: targets(figures).map(({ what, limit, atMost, worst, digits }) => {
      const kept = worst !== undefined && (atMost ? worst <= limit : worst >= limit);
      const result = worst === undefined ? "not measured" : kept ? "kept" : "MISSED";
      return [what, `${atMost ? "at most" : "at least"} ${limit}`, cell(worst, digits), result];
    }),
    notes: ["The worst of all loads above decides. On a busy machine the ratios say more than the rest."],
  };
}

function targets(figures: CbtFigures): Target[] {
  const { streams, calls, stalled, floods, peers } = figures;
  const rate = (row: StreamFigures): number => row.tuplesPerSecond;
  const cpu = (row: StreamFigures): number | undefined => row.cpuSecondsPerMillion;
  const ours = streams.filter(({ path }) => path === sidecars.strict || path === sidecars.off);
  const strict = streams.filter(({ path }) => path === sidecars.strict);
  const list: Target[] = [
    {
      what: "rate: strict ÷ decoding proxy",
      limit: 1.3,
      worst: least(ratios(streams, sidecars.strict, decodingProxy, rate)),
      digits: 2,
    },
    {
      what: "CPU: strict ÷ off",
      limit: 1.5,
      atMost: true,
      worst: most(ratios(streams, sidecars.strict, sidecars.off, cpu)),
      digits: 2,
    },
    ...(peers.length === 0 ? ["the original"] : peers).flatMap((peer): Target[] => [
      {
        what: `rate: strict ÷ ${peer}`,
        limit: 1.2,
        worst: least(ratios(streams, sidecars.strict, peer, rate)),
        digits: 2,
      },
      { what: `rate: off ÷ ${peer}`, limit: 1.5, worst: least(ratios(streams, sidecars.off, peer, rate)), digits: 2 },
    ]),
    {
      what: "calls of one message per second, strict",
      limit: 200,
      worst: calls.find(({ path }) => path === sidecars.strict)?.callsPerSecond,
      digits: 0,
    },
    {
      what: "peak RSS under streams, MB",
      limit: 140,
      atMost: true,
      worst: most(ours.map((row) => (row.peakBytes ?? Number.NaN) / 1e6)),
      digits: 0,
    },
    { what: "peak RSS: longest ÷ shortest run", limit: 1.2, atMost: true, worst: most(growths(strict)), digits: 2 },
    {
      what: "a valid caller's p50 beside random tokens ÷ alone",
      limit: 2,
      atMost: true,
      worst: most(floods.map(({ alone, beside }) => beside.p50Ms / alone.p50Ms)),
      digits: 2,
    },
    {
      what: "RSS after 20,000 random tokens ÷ after 10,000",
      limit: 1.1,
      atMost: true,
      worst: most(floods.map(({ residentBytes: [, first, second] }) => second / first)),
      digits: 2,
    },
    {
      what: "KB for a caller that stops reading",
      limit: 400,
      atMost: true,
      worst: most(stalled.map((row) => (row.peakBytes - row.beforeBytes) / row.streams / 1e3)),
      digits: 0,
    },
  ];
  return list;
}

/** A figure of one path over the same of another, for every load that both were measured under. */
function ratios(
  streams: readonly StreamFigures[],
  path: string,
  other: string,
  figure: (row: StreamFigures) => number | undefined,
): number[] {
  return streams
    .filter((row) => row.path === path)
    .flatMap((row) => {
      const beside = streams.find((each) => each.path === other && each.tuples === row.tuples && sameShape(each, row));
      const [a, b] = [figure(row), beside && figure(beside)];
      return a === undefined || b === undefined || b === 0 ? [] : [a / b];
    });
}

/** Peak memory of the longest run over that of the shortest of the same shape. */
function growths(strict: readonly StreamFigures[]): number[] {
  const shortest = Math.min(...strict.map(({ tuples }) => tuples));
  const longest = Math.max(...strict.map(({ tuples }) => tuples));
  if (shortest === longest) return [];
  return strict
    .filter(({ tuples }) => tuples === longest)
    .flatMap((row) => {
      const short = strict.find((each) => each.tuples === shortest && sameShape(each, row));
      return row.peakBytes === undefined || short?.peakBytes === undefined ? [] : [row.peakBytes / short.peakBytes];
    });
}

const sameShape = (a: StreamFigures, b: StreamFigures): boolean =>
  a.perMessage === b.perMessage && a.streams === b.streams;

const least = (values: readonly number[]): number | undefined =>
  values.length === 0 ? undefined : Math.min(...values);
const most = (values: readonly number[]): number | undefined => (values.length === 0 ? undefined : Math.max(...values));
