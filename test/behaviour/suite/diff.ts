import { isDeepStrictEqual } from "node:util";
import type { Recording, Transcript } from "./transcript.ts";

/** Differences of two recordings by case title; a case that only one of them has is not compared. */
export function diffRecordings(expected: Recording, actual: Recording): Map<string, readonly string[]> {
  const differences = new Map<string, readonly string[]>();
  for (const [title, transcript] of Object.entries(expected.cases)) {
    const other = actual.cases[title];
    if (other === undefined) continue;
    const lines = diffTranscripts(transcript, other);
    if (lines.length > 0) differences.set(title, lines);
  }
  return differences;
}

/** One line per place in which two transcripts differ, with the request that it belongs to. */
export function diffTranscripts(expected: Transcript, actual: Transcript): string[] {
  const lines: string[] = [];
  for (let index = 0; index < Math.max(expected.length, actual.length); index++) {
    const [a, b] = [expected[index], actual[index]];
    if (isDeepStrictEqual(a, b)) continue;
    lines.push(`at ${index + 1}, ${headOf(a ?? b)}`, ...diffValues(a, b, ""));
  }
  return lines;
}

function headOf(entry: Transcript[number] | undefined): string {
  if (entry === undefined) return "nothing";
  return "send" in entry ? entry.send : "watch" in entry ? entry.watch : entry.remark;
}

function diffValues(a: unknown, b: unknown, path: string): string[] {
  if (isDeepStrictEqual(a, b)) return [];
  if (!isContainer(a) || !isContainer(b) || Array.isArray(a) !== Array.isArray(b)) {
    return [`  ${path || "."}: expected ${show(a)}`, `  ${" ".repeat((path || ".").length)}  actual   ${show(b)}`];
  }
  const keys = new Set([...Object.keys(a), ...Object.keys(b)]);
  return [...keys].flatMap((key) => diffValues(a[key], b[key], path === "" ? key : `${path}.${key}`));
}

function isContainer(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}

function show(value: unknown): string {
  return value === undefined ? "nothing" : JSON.stringify(value);
}
