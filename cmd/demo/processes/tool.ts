import { spawn } from "node:child_process";
import { existsSync, realpathSync } from "node:fs";
import { join } from "node:path";
import { programs, running } from "./program.ts";

export interface ToolRun {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly ms: number;
}

export interface ToolOptions {
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
  readonly onStart: (pid: number) => void;
  readonly onEnd: (pid: number) => void;
  /** Node lets the process read and write these paths and no others; without it, everything. */
  readonly confined?: Confinement;
  /** Everything printed so far, each time there is more. */
  readonly onOutput?: (stdout: string) => void;
}

/** What a process may touch of the file system. */
export interface Confinement {
  readonly read: readonly string[];
  readonly write: readonly string[];
}

/** Largest output kept: the list of a volume with every block written has about 5 MiB. */
const largestOutput = 64 * 2 ** 20;

/** Runs kubectl-protect to its end, as a process of its own. Aborting ends it. */
export async function runTool({
  args,
  env,
  signal,
  onStart,
  onEnd,
  onOutput,
  confined,
}: ToolOptions): Promise<ToolRun> {
  signal.throwIfAborted();
  const startedAt = performance.now();
  const main = join(programs, "kubectl-protect", "main.ts");
  const child = spawn(process.execPath, [...(confined ? permissions(confined) : []), main, ...args], {
    ...{ env, detached: true },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const program = running(child, "kubectl-protect");
  onStart(program.pid);
  const stop = (): void => void program.stop();
  signal.addEventListener("abort", stop, { once: true });
  const output = { stdout: "", stderr: "" };
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    if (output.stdout.length < largestOutput) output.stdout += text;
    onOutput?.(output.stdout);
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    if (output.stderr.length < largestOutput) output.stderr += text;
  });
  const closed = new Promise<void>((resolve) => child.once("close", () => resolve()));
  const { code, signal: endedBy } = await program.ended;
  await closed;
  signal.removeEventListener("abort", stop);
  onEnd(program.pid);
  signal.throwIfAborted();
  return { code, signal: endedBy, ...output, ms: performance.now() - startedAt };
}

/**
 * Node's permission model: the program's own code can be read, and what is named. No children, no workers. Node checks
 * real paths, and the libraries may lie elsewhere behind a symlink.
 */
export function permissions({ read, write }: Confinement, code = join(programs, "..")): string[] {
  const real = [code, join(code, "node_modules")].filter((path) => existsSync(path)).map((path) => realpathSync(path));
  return [
    "--permission",
    ...[...new Set([code, ...real]), ...read].map((path) => `--allow-fs-read=${path}`),
    ...write.map((path) => `--allow-fs-write=${path}`),
  ];
}
