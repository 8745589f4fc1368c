import { readFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { Failure, messageOf } from "../../../pkg/runtime/errors/index.ts";
import type { Narrator } from "../screen/narrator.ts";
import { type Ending, type ProgramOptions, type RunningProgram, startProgram } from "./program.ts";

/** A line of a program's log or standard output, where it is JSON. */
export type LogLine = Readonly<Record<string, unknown>>;

export interface ServiceOptions extends ProgramOptions {
  /** Recognises the line with which the program says that it serves. */
  readonly isReady: (line: LogLine) => boolean;
  /** Arguments for later starts, once the ready line is known: the same port again. */
  readonly argsAgain?: (ready: LogLine) => readonly string[];
  /** Whether a death is survived by starting it again, as the kubelet does. Otherwise the demo ends. */
  readonly restarts: boolean;
  readonly narrator: Narrator;
  readonly janitor: (order: { pid?: number; gone?: number }) => void;
  /** Called when it died and is not started again. */
  readonly onLoss: (failure: Failure) => void;
}

/** A program that is kept alive for as long as the demo goes on. */
export interface Service {
  readonly name: string;
  readonly pid: number;
  /** The line with which it first said that it serves. Rejects when it never did. */
  readonly serving: Promise<LogLine>;
  /** SIGKILL; it is started again if it restarts. */
  kill(): void;
  /** Settles when it serves again after a kill. */
  back(): Promise<void>;
  stop(): Promise<void>;
}

const mostRestarts = 5;
const startLimitMs = 30_000;

/** Starts a program and looks after it until `stop`. */
export function launchService(options: ServiceOptions): Service {
  const { name, narrator, janitor, onLoss } = options;
  let stopping = false;
  let served = false;
  let early: Ending | undefined;
  let restarts = 0;
  let killed: Promise<unknown> = Promise.resolve();
  let again: Promise<unknown> = Promise.resolve();
  const begin = (args: readonly string[]): RunningProgram => {
    const started = startProgram({ ...options, args });
    janitor({ pid: started.pid });
    narrator.process({ name, pid: started.pid, state: "started" });
    void started.ended.then((ending) => {
      janitor({ gone: started.pid });
      // A program that never served is told of by `serving`.
      if (!served) early = ending;
      else if (!stopping) died(started.pid, ending);
    });
    return started;
  };
  const died = (pid: number, ending: Ending): void => {
    narrator.process({ name, pid, state: ending.signal === "SIGKILL" ? "killed" : "ended" });
    restarts += 1;
    const lost = (why: string): void => onLoss(new Failure("terminal", "ProcessLost", `${name} ${why}`));
    if (!options.restarts || restarts > mostRestarts) {
      lost(`${sayEnding(ending)}, and the demo can not go on without it`);
      return;
    }
    again = restart().catch((thrown: unknown) => lost(messageOf(thrown)));
  };
  const restart = async (): Promise<void> => {
    const passed = (await readFile(options.logFile)).length;
    const line = await serving;
    if (stopping) return;
    program = begin(options.argsAgain?.(line) ?? options.args);
    await untilReady(options, program, passed);
  };
  let program = begin(options.args);
  const serving = untilReady(options, program, 0);
  serving.then(
    () => {
      served = true;
      if (early && !stopping) died(program.pid, early);
    },
    () => {},
  );
  return {
    name,
    serving,
    get pid() {
      return program.pid;
    },
    kill: () => {
      killed = program.ended;
      program.kill();
    },
    back: async () => {
      await killed;
      await again;
    },
    stop: async () => {
      stopping = true;
      await program.stop();
    },
  };
}

/** Reads the log file until the program says that it serves. Throws when it ends before, with its last words. */
async function untilReady(options: ServiceOptions, program: RunningProgram, from: number): Promise<LogLine> {
  let ended: Ending | undefined;
  void program.ended.then((ending) => {
    ended = ending;
  });
  const deadline = Date.now() + startLimitMs;
  for (;;) {
    const gone = ended;
    const lines = (await readFile(options.logFile)).subarray(from).toString("utf8").split("\n");
    const found = lines.map(parsed).find((line) => line && options.isReady(line));
    if (found) return found;
    if (gone || Date.now() > deadline) {
      const why = gone ? sayEnding(gone) : `did not serve within ${startLimitMs / 1000} s`;
      throw new Failure(
        "terminal",
        "NotStarted",
        [`${options.name} ${why}; its last words:`, ...lines.filter((line) => line.trim()).slice(-8)].join("\n"),
      );
    }
    await sleep(15);
  }
}

function parsed(line: string): LogLine | undefined {
  if (!line.startsWith("{")) return undefined;
  try {
    return JSON.parse(line) as LogLine;
  } catch {
    return undefined;
  }
}

/** Words for how a process ended. */
function sayEnding({ code, signal }: Ending): string {
  return signal ? `was ended by ${signal}` : `ended with code ${code}`;
}
