import { cell, megabytes, type Table } from "../report/table.ts";
import type { StartFigures, StartupFigures } from "./startup.ts";

/** From the start of a program to serving, at most. */
export const startLimitMs = 400;
/** Resident memory of a program that does nothing, at most. */
export const idleLimitBytes = 100e6;

/** The figures, each with its limit and whether it is kept. */
export function startupTables({ rows, starts, idles, idleMs }: StartupFigures): Table[] {
  return [
    {
      title: "Start and idle memory",
      columns: [
        "program",
        "form",
        "measured to",
        "start, ms",
        `limit ${startLimitMs}`,
        "CPU, ms",
        "idle RSS, MB",
        "limit 100",
        "bundle, KiB",
      ],
      rows: rows.map(row),
      notes: [
        `Medians of ${starts} starts after one that does not count; memory ${idleMs / 1000} s after serving, median of ${idles}.`,
        "“Compile cache” is NODE_COMPILE_CACHE, filled by the start that does not count. Time includes the launcher's search for Node.",
        "The limits are for programs that serve; the bundle is what is installed.",
      ],
    },
  ];
}

function row({ program, form, to, startMs, startCpuMs, idleBytes, bundleBytes, limited }: StartFigures): string[] {
  return [
    program,
    form,
    to,
    cell(startMs),
    limited ? verdict(startMs, startLimitMs) : "–",
    cell(startCpuMs),
    megabytes(idleBytes),
    limited ? verdict(idleBytes, idleLimitBytes) : "–",
    cell(bundleBytes === undefined ? undefined : bundleBytes / 1024),
  ];
}

const verdict = (value: number | undefined, limit: number): string =>
  value === undefined ? "–" : value <= limit ? "kept" : `MISSED by ${cell((value / limit - 1) * 100)} %`;
