/** What Linux says of a process, from proc(5). */
import { readFileSync, writeFileSync } from "node:fs";

/** Linux counts CPU time towards users in hundredths of a second, whatever its timer runs at. */
const ticksPerSecond = 100;

/** CPU seconds of a process so far, in user and kernel mode, all threads. */
export function cpuSeconds(pid: number): number {
  const text = readFileSync(`/proc/${pid}/stat`, "utf8");
  // The name in parentheses may hold blanks.
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
}

/** Resident memory now, in bytes. */
export const residentBytes = (pid: number): number => statusBytes(pid, "VmRSS");

/** The most memory that was resident at once, since the start or the last {@link forgetPeak}, in bytes. */
export const peakBytes = (pid: number): number => statusBytes(pid, "VmHWM");

/** Lets the peak begin anew. */
export function forgetPeak(pid: number): void {
  writeFileSync(`/proc/${pid}/clear_refs`, "5");
}

function statusBytes(pid: number, field: string): number {
  const text = readFileSync(`/proc/${pid}/status`, "utf8");
  const kibibytes = new RegExp(`^${field}:\\s+(\\d+) kB$`, "m").exec(text)?.[1];
  if (kibibytes === undefined) throw new Error(`process ${pid} has no ${field}: has it ended?`);
  return Number(kibibytes) * 1024;
}
