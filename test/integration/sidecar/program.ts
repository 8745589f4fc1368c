import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";
import { afterAll } from "vitest";
import { eventually } from "../../support/eventually.ts";

/** How a process ended: by a code of its own, or by a signal. */
export interface Ending {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** One log line, read. */
export type LogLine = Readonly<Record<string, unknown>>;

/** A program of this repository, running as a process of its own. */
export interface RunningProgram extends AsyncDisposable {
  readonly pid: number;
  stdout(): string;
  stderr(): string;
  /** The log lines so far; what is no JSON is left out. */
  lines(): LogLine[];
  /** Waits for a line with this message; rejects at once when the program ends without it. */
  logged(message: string): Promise<LogLine>;
  kill(signal: NodeJS.Signals): void;
  /** Settles when the process has ended and everything it printed was read. */
  readonly ended: Promise<Ending>;
}

/** A test that ran out of time never gets to dispose of its programs; its file ends them. */
const children = new Set<ChildProcess>();
afterAll(() => {
  for (const child of children) child.kill("SIGKILL");
});

const root = join(import.meta.dirname, "../../..");

/** Starts `cmd/<name>` from its source, with this environment and no other. Disposing kills it. */
export function startProgram(
  name: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): RunningProgram {
  const child = spawn(process.execPath, [join(root, "cmd", name, "main.ts"), ...args], {
    env: { PATH: process.env["PATH"] ?? "", ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const stdout = gathered(child.stdout);
  const stderr = gathered(child.stderr);
  const ended = endingOf(child);
  children.add(child);
  child.once("close", () => children.delete(child));
  const running = (): boolean => child.exitCode === null && child.signalCode === null;
  const lines = (): LogLine[] => stderr().split("\n").flatMap(parsed);
  return {
    pid: child.pid ?? 0,
    stdout,
    stderr,
    lines,
    ended,
    kill: (signal) => void child.kill(signal),
    logged: async (message) => {
      const find = (): LogLine | undefined => lines().find((each) => each["msg"] === message);
      const line = await eventually(`${name} logs "${message}"`, () => {
        const found = find();
        if (found !== undefined || !running()) return { found };
        throw new Error(stderr());
      });
      if (line.found !== undefined) return line.found;
      await ended;
      const late = find();
      if (late === undefined) throw new Error(`${name} ended without "${message}":\n${stderr()}`);
      return late;
    },
    [Symbol.asyncDispose]: async () => {
      if (running()) child.kill("SIGKILL");
      await ended;
    },
  };
}

function gathered(stream: NodeJS.ReadableStream): () => string {
  const chunks: Buffer[] = [];
  stream.on("data", (chunk: Buffer) => chunks.push(chunk));
  return () => Buffer.concat(chunks).toString("utf8");
}

function endingOf(child: ChildProcess): Promise<Ending> {
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code, signal) => resolve({ code, signal }));
  });
}

function parsed(line: string): LogLine[] {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === "object" && value !== null ? [value as LogLine] : [];
  } catch {
    return [];
  }
}
