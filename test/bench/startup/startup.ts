import { mkdir, stat } from "node:fs/promises";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { SourceJob } from "../cbt/source.ts";
import type { Ground } from "../ground.ts";
import { median } from "../measure/median.ts";
import { cpuSeconds, residentBytes } from "../measure/proc.ts";
import type { Programs } from "../measure/programs.ts";
import { Worker } from "../measure/worker.ts";
import type { Sizes } from "../sizes.ts";
import { untilSaid } from "./serving.ts";
import { type Subject, subjectOf } from "./subjects.ts";

/** The ways a program is started. */
export const forms = ["bundle", "bundle, compile cache", "from .ts"] as const;

/** One program in one form; medians. */
export interface StartFigures {
  readonly program: string;
  readonly form: (typeof forms)[number] | "bare Node";
  readonly to: string;
  readonly startMs: number;
  /** What the start took of the processor; less shaken by what else goes on than the time by the clock. */
  readonly startCpuMs: number | undefined;
  /** Of programs that stay. */
  readonly idleBytes: number | undefined;
  readonly bundleBytes: number | undefined;
  /** Whether the limits apply. */
  readonly limited: boolean;
}

export interface StartupFigures {
  readonly starts: number;
  readonly idles: number;
  readonly idleMs: number;
  readonly rows: readonly StartFigures[];
}

export interface StartupDeps {
  readonly ground: Ground;
  readonly programs: Programs;
  readonly binDir: string;
  readonly names: readonly string[];
  readonly sizes: Sizes["startup"];
  readonly say: (line: string) => void;
}

interface Launch {
  readonly form: StartFigures["form"];
  readonly file: string;
  readonly before: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

const root = resolve(import.meta.dirname, "../../..");

/** Starts each program again and again, in each form, in turn. */
export async function measureStartup(deps: StartupDeps): Promise<StartupFigures> {
  const { ground, binDir, names, sizes } = deps;
  await using stack = new AsyncDisposableStack();
  const driver = stack.use(Worker.start(new URL("../cbt/source.ts", import.meta.url)));
  const socket = join(ground.folder, "driver.sock");
  const serve: SourceJob = { kind: "serve", socket, driverName: ground.driverName, ...ground.files };
  await driver.ask(serve);
  const rows = [await measure(deps, bareNode(), { form: "bare Node", file: process.execPath, before: [], env: {} })];
  for (const name of names) {
    const subject = subjectOf(name, ground, socket);
    const bundle = join(binDir, name);
    const { size } = await stat(bundle);
    for (const form of forms) {
      const figures = await measure(deps, subject, await launchOf(form, name, bundle, ground.folder));
      rows.push(form === "from .ts" ? figures : { ...figures, bundleBytes: size });
    }
  }
  const { starts, idles, idleMs } = sizes;
  return { starts, idles, idleMs, rows };
}

async function launchOf(form: (typeof forms)[number], name: string, bundle: string, folder: string): Promise<Launch> {
  if (form === "bundle") return { form, file: bundle, before: [], env: {} };
  if (form === "from .ts") {
    return { form, file: process.execPath, before: [join(root, "cmd", name, "main.ts")], env: {} };
  }
  const cache = join(folder, "compile-cache", name);
  await mkdir(cache, { recursive: true });
  return { form, file: bundle, before: [], env: { NODE_COMPILE_CACHE: cache } };
}

/** What any program of Node costs. */
function bareNode(): Subject {
  const script = `setInterval(() => {}, 1 << 30); console.log("up")`;
  return {
    name: "node -e",
    to: "first line",
    serves: true,
    start: async () => ({ args: ["-e", script], until: (program) => untilSaid(program, "up") }),
  };
}

async function measure(deps: StartupDeps, subject: Subject, launch: Launch): Promise<StartFigures> {
  const { programs, sizes, say } = deps;
  const startsMs: number[] = [];
  const cpusMs: number[] = [];
  const idles: number[] = [];
  // The first start warms up files and fills the compile cache.
  for (let start = 1 - sizes.warmUps; start <= sizes.starts; start += 1) {
    say(`startup: ${subject.name}, ${launch.form}, ${start < 1 ? "warming up" : `start ${start}`}`);
    const { args, until } = await subject.start();
    const program = programs.start(launch.file, [...launch.before, ...args], launch.env);
    try {
      await until(program);
      const startMs = performance.now() - program.startedMs;
      if (start > 0) startsMs.push(startMs);
      if (start > 0 && subject.serves) cpusMs.push(cpuSeconds(program.pid) * 1000);
      if (start > 0 && subject.serves && idles.length < sizes.idles) {
        await sleep(sizes.idleMs);
        program.alive();
        idles.push(residentBytes(program.pid));
      }
    } finally {
      await program.stop();
    }
  }
  return {
    program: subject.name,
    form: launch.form,
    to: subject.to,
    startMs: median(startsMs),
    startCpuMs: cpusMs.length === 0 ? undefined : median(cpusMs),
    idleBytes: idles.length === 0 ? undefined : median(idles),
    bundleBytes: undefined,
    limited: subject.serves && launch.form.startsWith("bundle"),
  };
}
