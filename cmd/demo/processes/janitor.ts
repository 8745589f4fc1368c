/**
 * Cleans up after a demo that was killed: reads what there is to clean from standard input, one JSON object per line,
 * and acts when the input ends, which it does however the demo ends.
 */
import { rmSync } from "node:fs";
import { createInterface } from "node:readline";

/** What the janitor is told. `done` means that all is clean, or is to stay. */
export interface JanitorOrder {
  readonly pid?: number;
  readonly gone?: number;
  readonly folder?: string;
  readonly done?: boolean;
}

if (import.meta.main) {
  const pids = new Set<number>();
  const folders = new Set<string>();
  // The terminal's Ctrl-C reaches the whole group; the demo cleans up by itself then.
  for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(name, () => {});
  for await (const line of createInterface({ input: process.stdin })) {
    const { pid, gone, folder, done } = JSON.parse(line) as JanitorOrder;
    if (pid) pids.add(pid);
    if (gone) pids.delete(gone);
    if (folder) folders.add(folder);
    if (done) {
      pids.clear();
      folders.clear();
    }
  }
  for (const pid of pids) {
    try {
      process.kill(pid, "SIGKILL");
    } catch {
      // It ended by itself.
    }
  }
  for (const folder of folders) rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
}
