import { cell, megabytes, type Table } from "../report/table.ts";
import type { CallFigures } from "./calls.ts";
import type { CbtFigures } from "./cbt.ts";
import { sidecars } from "./paths.ts";
import type { StalledFigures } from "./stalled.ts";
import type { StreamFigures } from "./streams.ts";
import { targetTable } from "./targets.ts";

/** The figures as they are shown: ratios are of the same run. */
export function cbtTables(figures: CbtFigures): Table[] {
  return [streamTable(figures), callTable(figures), stalledTable(figures), floodTable(figures), targetTable(figures)];
}

function streamTable({ streams, peers }: CbtFigures): Table {
  return {
    title: "Changed block tracking: streams",
    columns: [
      "path",
      "M tuples",
      "per message",
      "streams",
      "M tuples/s",
      "MB/s",
      "strict ÷ path",
      "CPU s per M tuples",
      "peak RSS, MB",
    ],
    rows: streams.map((row) => streamRow(row, strictBeside(streams, row))),
    notes: [
      "Tuples are those of all streams together. Medians of the rounds, each round through all paths in turn:",
      `  ${roundsOf(streams)}.`,
      "Peak memory is the most of all rounds.",
      "CPU and memory are those of the process in the middle. Source, caller and that process share the machine's cores.",
      "“Without sidecar” is the source itself over TLS: what source and caller allow. The longest run is for the memory alone.",
      peerNote(peers),
    ],
  };
}

const strictBeside = (streams: readonly StreamFigures[], row: StreamFigures): StreamFigures | undefined =>
  streams.find(
    (each) =>
      each.path === sidecars.strict &&
      each.tuples === row.tuples &&
      each.perMessage === row.perMessage &&
      each.streams === row.streams,
  );

function roundsOf(streams: readonly StreamFigures[]): string {
  const rounds = new Map(streams.map((row) => [row.tuples, row.rounds]));
  return [...rounds].map(([tuples, count]) => `${count} of ${tuples / 1e6} M`).join(", ");
}

function streamRow(row: StreamFigures, strict: StreamFigures | undefined): string[] {
  return [
    row.path,
    String(row.tuples / 1e6),
    String(row.perMessage),
    String(row.streams),
    cell(row.tuplesPerSecond / 1e6, 2),
    megabytes(row.bytesPerSecond),
    `${cell((strict?.tuplesPerSecond ?? Number.NaN) / row.tuplesPerSecond, 2)} ×`,
    cell(row.cpuSecondsPerMillion, 3),
    megabytes(row.peakBytes),
  ];
}

function callTable({ calls, callers, cluster, callRounds, peers }: CbtFigures): Table {
  const same = calls.find(({ path }) => path === sidecars.strict);
  return {
    title: "Changed block tracking: calls of one message",
    columns: [
      "path",
      `calls/s, ${callers} parallel`,
      "strict ÷ path",
      "p50, ms",
      "p99, ms",
      "first message, ms",
      "idle RSS, MB",
    ],
    rows: calls.map((row) => callRow(row, same)),
    notes: [
      `Tokens and rights are reviewed by the API server (${cluster} here), by the sidecar as its default flags have it:`,
      "  all callers have one token, which is reviewed once in ten seconds; their right is reviewed for each call.",
      "The source and the decoding proxy ask nobody.",
      "“First message” is the median of calls one after another, with nothing else going on.",
      `Medians of ${callRounds} rounds. ${peerNote(peers)}`,
    ],
  };
}

function callRow(row: CallFigures, same: CallFigures | undefined): string[] {
  return [
    row.path,
    cell(row.callsPerSecond, row.callsPerSecond < 10 ? 1 : 0),
    `${cell((same?.callsPerSecond ?? Number.NaN) / row.callsPerSecond, 2)} ×`,
    cell(row.p50Ms, 1),
    cell(row.p99Ms, 1),
    cell(row.firstMessageMs, 1),
    megabytes(row.idleBytes),
  ];
}

function stalledTable({ stalled }: CbtFigures): Table {
  return {
    title: "Changed block tracking: callers that stop reading",
    columns: ["path", "streams", "M tuples each", "RSS before, MB", "peak RSS, MB", "KB per stream"],
    rows: stalled.map((row) => [
      row.path,
      String(row.streams),
      String(row.tuplesEach / 1e6),
      megabytes(row.beforeBytes),
      megabytes(row.peakBytes),
      cell(bytesPerStream(row) / 1e3),
    ]),
    notes: [
      "Four streams share a TLS connection, with HTTP/2's usual window of 64 KiB each; a caller reads one piece and no more.",
      "What a stream costs is the rise of the peak over what was resident before; its part of the connection is in it.",
    ],
  };
}

function floodTable({ floods }: CbtFigures): Table {
  return {
    title: "Changed block tracking: random tokens beside a valid caller",
    columns: [
      "path",
      "random tokens",
      "at a time",
      "reviewed",
      "seconds",
      "p50 alone, ms",
      "p50 beside them",
      "p95 alone, ms",
      "p95 beside them",
      "RSS before, MB",
      "after",
      "after as many again",
    ],
    rows: floods.map(({ path, tokens, atOnce, reviewed, elapsedMs, alone, beside, residentBytes }) => [
      path,
      String(tokens),
      String(atOnce),
      String(reviewed),
      cell(elapsedMs / 1000, 1),
      cell(alone.p50Ms, 1),
      cell(beside.p50Ms, 1),
      cell(alone.p95Ms, 1),
      cell(beside.p95Ms, 1),
      ...residentBytes.map(megabytes),
    ]),
    notes: [
      "The valid caller makes one call after another, from the same address, on the same two cores as everything else.",
      "A token that was not reviewed was turned away by --invalid-token-qps, with a retry hint.",
    ],
  };
}

const bytesPerStream = ({ beforeBytes, peakBytes, streams }: StalledFigures): number =>
  (peakBytes - beforeBytes) / streams;

const peerNote = (peers: readonly string[]): string =>
  peers.length > 0
    ? "The original is what PEERS_DIR holds."
    : "Without the original: PEERS_DIR names no folder with its csi-snapshot-metadata.";
