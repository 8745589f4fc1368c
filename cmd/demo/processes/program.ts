import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Failure } from "../../../pkg/runtime/errors/index.ts";

/** Where the programs are: the folder `cmd`. */
export const programs = join(import.meta.dirname, "..", "..");

/** How a process ended. */
export interface Ending {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A program under way, in a session of its own: the terminal's Ctrl-C does not reach it. */
export interface RunningProgram {
  readonly pid: number;
  readonly ended: Promise<Ending>;
  /** SIGTERM, and SIGKILL after two seconds. */
  stop(): Promise<void>;
  kill(): void;
}

export interface ProgramOptions {
  /** Folder below `cmd`. */
  readonly name: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Takes what the program writes to stderr, and to stdout unless that is `pipe`. */
  readonly logFile: string;
}

/** Starts a program that stays. Its output goes to files, so that it can outlive us. */
export function startProgram({ name, args, env, logFile }: ProgramOptions): RunningProgram {
  const log = openSync(logFile, "a", 0o600);
  try {
    const child = spawn(process.execPath, [join(programs, name, "main.ts"), ...args], {
      ...{ env, detached: true },
      stdio: ["ignore", log, log],
    });
    child.unref();
    return running(child, name);
  } finally {
    closeSync(log);
  }
}

/** Wraps a child process. Throws when it could not be started at all. */
export function running(child: ChildProcess, name: string): RunningProgram {
  const { pid } = child;
  if (pid === undefined) throw new Failure("terminal", "NotStarted", `${name} could not be started`);
  const ended = new Promise<Ending>((resolve) => child.once("exit", (code, signal) => resolve({ code, signal })));
  return {
    pid,
    ended,
    kill: () => void child.kill("SIGKILL"),
    stop: async () => {
      child.kill("SIGTERM");
      const patience = new AbortController();
      const late = sleep(2000, undefined, { signal: patience.signal, ref: true }).then(
        () => void child.kill("SIGKILL"),
        () => {},
      );
      await ended;
      patience.abort();
      await late;
    },
  };
}
