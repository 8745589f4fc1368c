import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";

/** A program that runs, with the last it said for when it fails. */
export interface Program {
  readonly pid: number;
  /** When it was started, on the clock of `performance.now`, milliseconds. */
  readonly startedMs: number;
  /** Everything it wrote to standard output so far. */
  readonly stdout: () => string;
  /** Throws with what it said when it has ended. */
  alive(): void;
  /** Settles when it has ended, with its code. */
  readonly ended: Promise<number | null>;
  stop(): Promise<void>;
}

/** Starts programs, and ends them all when this process ends. */
export class Programs implements AsyncDisposable {
  readonly #children = new Set<ChildProcess>();

  constructor() {
    process.once("exit", () => this.#kill());
  }

  start(file: string, args: readonly string[], env: Readonly<Record<string, string>> = {}): Program {
    const startedMs = performance.now();
    const child = spawn(file, args, { env: { ...process.env, ...env }, stdio: ["ignore", "pipe", "pipe"] });
    this.#children.add(child);
    let stdout = "";
    let said = "";
    const keep = (text: string): void => {
      said = (said + text).slice(-4000);
    };
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      stdout = (stdout + text).slice(-65_536);
      keep(text);
    });
    child.stderr.setEncoding("utf8").on("data", keep);
    const ended = once(child, "exit").then(([code]) => {
      this.#children.delete(child);
      return code as number | null;
    });
    // A file that can not be started is told by `alive`.
    ended.catch((error: unknown) => keep(String(error)));
    const { pid = 0 } = child;
    return {
      pid,
      startedMs,
      stdout: () => stdout,
      alive: () => {
        if (child.exitCode !== null || child.signalCode !== null || pid === 0)
          throw new Error(`${file} has ended: ${said}`);
      },
      ended,
      stop: async () => {
        child.kill("SIGTERM");
        const late = setTimeout(() => child.kill("SIGKILL"), 5000);
        await ended.catch(() => undefined);
        clearTimeout(late);
      },
    };
  }

  #kill(): void {
    for (const child of this.#children) child.kill("SIGKILL");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#kill();
  }
}
