import { cell, megabytes, type Table } from "../report/table.ts";
import type { CallFigures, CbtFigures, StreamFigures } from "./cbt.ts";

const ours = "sidecar";

/** The figures as they are shown: ratios are of the same run. */
export function cbtTables(figures: CbtFigures): Table[] {
  return [streamTable(figures), callTable(figures)];
}

function streamTable({ streams, tuples, rounds, peerFound }: CbtFigures): Table {
  const rows = streams.map((row) => {
    const same = streams.find((e) => e.path === ours && e.perMessage === row.perMessage && e.streams === row.streams);
    return streamRow(row, same);
  });
  return {
    title: "Changed block tracking: streams",
    columns: [
      "path",
      "tuples per message",
      "streams",
      "M tuples/s",
      "MB/s",
      "sidecar ÷ path",
      "CPU s per M tuples",
      "peak RSS, MB",
    ],
    rows,
    notes: [
      `${tuples} tuples in all per run, shared by the streams; medians of ${rounds} rounds, each round through all paths in turn.`,
      "CPU and memory are those of the process in the middle. Source, caller and that process share the machine's cores.",
      "“Without sidecar” is the source itself over TLS: what source and caller allow.",
      peerNote(peerFound),
    ],
  };
}

function streamRow(row: StreamFigures, same: StreamFigures | undefined): string[] {
  return [
    row.path,
    String(row.perMessage),
    String(row.streams),
    cell(row.tuplesPerSecond / 1e6, 2),
    megabytes(row.bytesPerSecond),
    `${cell((same?.tuplesPerSecond ?? Number.NaN) / row.tuplesPerSecond, 2)} ×`,
    cell(row.cpuSecondsPerMillion, 3),
    megabytes(row.peakBytes),
  ];
}

function callTable({ calls, callers, cluster, rounds, peerFound }: CbtFigures): Table {
  const same = calls.find(({ path }) => path === ours);
  return {
    title: "Changed block tracking: calls of one message",
    columns: [
      "path",
      `calls/s, ${callers} parallel`,
      "sidecar ÷ path",
      "p50, ms",
      "p99, ms",
      "first message, ms",
      "idle RSS, MB",
    ],
    rows: calls.map((row) => callRow(row, same)),
    notes: [
      `Each call of the sidecar and of the peers has its token and its right reviewed by the API server (${cluster} here).`,
      "The source and the decoding proxy ask nobody.",
      "“First message” is the median of calls one after another, with nothing else going on.",
      `Medians of ${rounds} rounds. ${peerNote(peerFound)}`,
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

const peerNote = (peerFound: boolean): string =>
  peerFound
    ? "The Go peer is the executable in PEERS_DIR."
    : "No Go peer: PEERS_DIR names no folder with the original's csi-snapshot-metadata.";
