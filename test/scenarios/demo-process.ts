import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

/** One line of `demo --json`. */
export interface DemoEvent {
  readonly event: "aside" | "process" | "step-started" | "step" | "result";
  readonly [field: string]: unknown;
}

export interface DemoOptions {
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Called with every line as it comes. */
  readonly on?: (event: DemoEvent, demo: DemoRun) => void;
}

/** A demo under way, in a temporary folder of its own. */
export interface DemoRun extends AsyncDisposable {
  readonly pid: number;
  /** Every line so far. */
  readonly events: readonly DemoEvent[];
  /** The latest process of this name. */
  pidOf(name: string): number;
  readonly ended: Promise<{ readonly code: number | null; readonly signal: NodeJS.Signals | null }>;
  /** Folders and processes that the demo made and that are still there. */
  leftovers(): Promise<string[]>;
  readonly temp: string;
}

const main = join(import.meta.dirname, "..", "..", "cmd", "demo", "main.ts");

/** The cluster that the tests were given, if any; else the demo starts the embedded one. */
export const givenCluster = process.env["TEST_KUBECONFIG"] ?? "";

/** Starts the demo with few rows, as a process of its own, and reads what it says. */
export async function startDemo({ args = ["--rows=3000"], env = {}, on }: DemoOptions = {}): Promise<DemoRun> {
  const temp = await mkdtemp(join(tmpdir(), "demo-test-"));
  const cluster = givenCluster ? [`--kubeconfig=${givenCluster}`] : [];
  const child: ChildProcess = spawn(process.execPath, [main, "--json", ...cluster, ...args], {
    env: { PATH: process.env["PATH"] ?? "", HOME: temp, TMPDIR: temp, ...env },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const events: DemoEvent[] = [];
  const lines = createInterface({ input: child.stdout as NonNullable<typeof child.stdout> });
  const read = new Promise<void>((resolve) => lines.once("close", resolve));
  const exited = new Promise<{ code: number | null; signal: NodeJS.Signals | null }>((resolve) =>
    child.once("exit", (code, signal) => resolve({ code, signal })),
  );
  const demo: DemoRun = {
    pid: child.pid ?? 0,
    temp,
    events,
    pidOf: (name) => Number(events.findLast((each) => each.event === "process" && each["name"] === name)?.["pid"]),
    ended: Promise.all([exited, read]).then(([ending]) => ending),
    leftovers: async () => [
      ...(await readdir(temp)),
      ...pidsOf(events)
        .filter(alive)
        .map((pid) => `process ${pid}`),
    ],
    [Symbol.asyncDispose]: async () => {
      child.kill("SIGTERM");
      await exited;
      for (const pid of pidsOf(events).filter(alive)) process.kill(pid, "SIGKILL");
      await rm(temp, { recursive: true, force: true, maxRetries: 5 });
    },
  };
  lines.on("line", (line) => {
    const event = JSON.parse(line) as DemoEvent;
    events.push(event);
    on?.(event, demo);
  });
  return demo;
}

/** Does something once, when this step begins. */
export function whenStepBegins(title: string, act: (demo: DemoRun) => void): (event: DemoEvent, demo: DemoRun) => void {
  return (event, demo) => {
    if (event.event === "step-started" && event["title"] === title) act(demo);
  };
}

/** The last line, which is the result. */
export function resultOf({ events }: DemoRun): DemoEvent {
  const last = events.at(-1);
  if (last?.event !== "result") throw new Error(`the last line is no result: ${JSON.stringify(last)}`);
  return last;
}

function pidsOf(events: readonly DemoEvent[]): number[] {
  return events.filter(({ event }) => event === "process").map((each) => Number(each["pid"]));
}

function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
