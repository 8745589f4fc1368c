import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { resolve } from "node:path";
import { createInterface } from "node:readline";

const main = resolve(import.meta.dirname, "../../../../cmd/dev-driver/main.ts");

/** The program dev-driver in a process of its own. */
export interface DriverProgram extends AsyncDisposable {
  readonly endpoint: string;
  /** What it announced. */
  readonly announced: unknown;
  /** Signal or exit code that ended it. */
  readonly ended: Promise<string | number | null>;
  kill(signal: NodeJS.Signals): void;
}

/** Starts the program and waits until it serves; `failpoint` names the step at which it kills itself. */
export async function startProgram(
  endpoint: string,
  stateDir: string,
  { failpoint = "", flags = [] }: { readonly failpoint?: string; readonly flags?: readonly string[] } = {},
): Promise<DriverProgram> {
  const armed = failpoint === "" ? {} : { CSI_DATA_PROTECTION_FAILPOINTS: `${failpoint}=kill` };
  const child = spawn(process.execPath, [main, `--endpoint=${endpoint}`, `--statedir=${stateDir}`, ...flags], {
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, ...armed },
  });
  const ended = once(child, "exit").then(([code, signal]) => (signal ?? code) as string | number | null);
  const announced = JSON.parse(await firstLine(child, ended));
  return {
    ...{ endpoint, announced, ended },
    kill: (signal) => void child.kill(signal),
    [Symbol.asyncDispose]: async () => {
      child.kill("SIGKILL");
      await ended;
    },
  };
}

async function firstLine(child: ChildProcess, ended: Promise<unknown>): Promise<string> {
  const errors: Buffer[] = [];
  child.stderr?.on("data", (chunk: Buffer) => errors.push(chunk));
  const lines = createInterface({ input: child.stdout ?? process.stdin });
  const failed = ended.then((how): never => {
    throw new Error(`dev-driver ended with ${how}: ${Buffer.concat(errors).toString()}`);
  });
  // Ending later, after the line, is not this promise's business.
  failed.catch(() => undefined);
  const [line] = (await Promise.race([once(lines, "line"), failed])) as [string];
  lines.close();
  child.stdout?.resume();
  return line;
}
