import { type ChildProcessByStdio, spawn } from "node:child_process";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import type { Order, Report } from "./orders.ts";

/** The starter's end of a supervisor process. */
export interface Supervision {
  readonly pid: number;
  /** Settles with a sentence when a program ends before `close`. */
  readonly broken: Promise<string>;
  tell(order: Order): void;
  /** Ends every program and removes the folder; resolves when both are done. Safe to call twice. */
  close(): Promise<void>;
}

type Supervisor = ChildProcessByStdio<Writable, Readable, null>;

/** Starts a supervisor over `folder`; it ends, with all it started, when this process does. */
export async function supervise(folder: string): Promise<Supervision> {
  const child = spawn(process.execPath, [join(import.meta.dirname, "supervisor.ts"), folder], {
    // A session of its own: Ctrl-C in the terminal reaches the starter, which then closes in order.
    detached: true,
    stdio: ["pipe", "pipe", "inherit"],
  });
  const gone = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  const reports = reportsOf(child);
  const pid = await Promise.race([reports.watching, gone.then(() => undefined)]);
  if (pid === undefined) throw new Error("the supervisor of the control plane did not start");
  child.stdin.on("error", () => undefined);
  const cleaned = gone.then(async () => {
    killGroup(pid);
    await rm(folder, { recursive: true, force: true });
  });
  let closing = false;
  return {
    pid,
    broken: Promise.race([reports.exited, gone.then(() => (closing ? neverSettles() : "its supervisor was killed"))]),
    tell: (order) => void child.stdin.write(`${JSON.stringify(order)}\n`),
    close: async () => {
      closing = true;
      child.stdin.end();
      await cleaned;
    },
  };
}

function reportsOf(child: Supervisor): { watching: Promise<number>; exited: Promise<string> } {
  const watching = Promise.withResolvers<number>();
  const exited = Promise.withResolvers<string>();
  createInterface({ input: child.stdout }).on("line", (line) => {
    const report = JSON.parse(line) as Report;
    if (report.kind === "watching") watching.resolve(report.pid);
    else exited.resolve(`${report.name} ended (${report.how})`);
  });
  return { watching: watching.promise, exited: exited.promise };
}

/** The supervisor leads a group of its own; normally nobody is left in it. */
function killGroup(pid: number): void {
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // Nobody left.
  }
}

function neverSettles(): Promise<never> {
  return new Promise(() => undefined);
}
