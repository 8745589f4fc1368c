import { messageOf } from "../errors/index.ts";
import { type FailpointPlan, parseFailpoints } from "../failpoints/index.ts";
import { createLogger, createRedaction, type Logger } from "../log/index.ts";
import { createRegistry } from "../metrics/index.ts";
import {
  type AnyOptionSet,
  defineOptions,
  type HelpGroup,
  levelOfVerbosity,
  parseCommandLine,
  renderHelp,
} from "../options/index.ts";
import type { AnyComponent, Env } from "./component.ts";
import { createEnv, type EnvParts } from "./env.ts";
import { type ProcessOptions, processOptions } from "./process-options.ts";
import { type BuiltComponent, ComponentError, type RunRules, runComponents } from "./run-components.ts";
import { type SignalSource, untilStopped } from "./stop.ts";

interface OutputLike {
  write(text: string): unknown;
  on?(event: "error", listener: (error: Error) => void): unknown;
}

/** The parts of `process` that a program needs; tests bring their own. */
export interface ProcessLike extends SignalSource {
  /** Node and script come first, as in `process.argv`. */
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly stdout: OutputLike & { readonly columns?: number };
  readonly stderr: OutputLike;
  readonly pid: number;
  kill(pid: number, signal: "SIGKILL"): unknown;
  /** Used only when something keeps running after the end. */
  exit?(code: number): unknown;
}

/** A program: a name and a list of components. */
export interface Program {
  readonly name: string;
  readonly version?: string;
  /** One sentence for --help. */
  readonly summary?: string;
  readonly components: readonly AnyComponent[];
  /** Fields of the wire contract that hold secrets; hidden in the log. */
  readonly secretFields?: ReadonlySet<string>;
}

/** The one variable that is not the default of a flag: failpoints must not be within reach of a manifest's arguments. */
const FAILPOINTS_VARIABLE = "CSI_DATA_PROTECTION_FAILPOINTS";

/**
 * Runs a program until its components end or a signal stops it, and returns its exit code: 0 after a good end, 1
 * after a failure or a stop that took too long, 2 for a command line that can not be read. Errors are logged.
 */
export async function runProcess(target: ProcessLike, program: Program): Promise<number> {
  // A reader that went away is no reason to stop the work; unheard, the error would come back as an exception, be
  // logged, and so cause the next one.
  for (const output of [target.stdout, target.stderr]) output.on?.("error", () => undefined);
  const prepared = prepare(target, program);
  if (typeof prepared === "number") return prepared;
  const { options, log } = prepared;
  return await untilStopped(target, { log, drainMs: options.shutdownTimeout }, (signal, failing) =>
    runBuilt(program, prepared, { signal, onFailure: failing }),
  );
}

interface Prepared {
  readonly options: ProcessOptions;
  readonly componentOptions: readonly unknown[];
  readonly log: Logger;
  readonly env: Omit<EnvParts, "signal">;
}

/** Everything that comes before the components; a number is the exit code of a program that does not run. */
function prepare(target: ProcessLike, program: Program): Prepared | number {
  const { name, version = "dev", components } = program;
  const refuse = (problems: readonly string[], code: number): number => {
    target.stderr.write(`${problems.map((problem) => `${name}: ${problem}\n`).join("")}`);
    target.stderr.write(`Run "${name} --help" for the flags.\n`);
    return code;
  };
  const names = components.flatMap((each) => each.failpoints?.names ?? []);
  try {
    const sets: AnyOptionSet[] = [...components.map((each) => each.options), processOptions];
    const argv = target.argv.slice(2);
    const asked = questionOf(sets, argv, target.env);
    if (asked === "version") return say(target, [`${name} ${version}`]);
    if (asked === "listFailpoints") return say(target, names);
    const parsed = parseCommandLine(sets, argv, target.env);
    if (!parsed.ok) {
      if (!parsed.help) return refuse(parsed.problems, parsed.exitCode);
      target.stdout.write(
        renderHelp({ name, summary: program.summary ?? "" }, helpGroups(components), widthOf(target)),
      );
      return 0;
    }
    const options = parsed.values.at(-1) as ProcessOptions;
    const redaction = createRedaction(program.secretFields);
    const level = levelOfVerbosity(options.verbosity);
    const log = createLogger({ name, level, format: options.loggingFormat, destination: target.stderr, redaction });
    const armed = parseFailpoints(target.env[FAILPOINTS_VARIABLE] ?? "", names);
    const failpoints: FailpointPlan = { armed, kill: () => void target.kill(target.pid, "SIGKILL") };
    const env = { program: name, version, log, metrics: createRegistry(), redaction, failpoints };
    return { options, componentOptions: parsed.values, log, env };
  } catch (thrown) {
    return refuse([messageOf(thrown)], 1);
  }
}

/** A question is answered also where a flag that only the work needs is missing; checks are not asked for it. */
function questionOf(
  sets: readonly AnyOptionSet[],
  argv: readonly string[],
  env: ProcessLike["env"],
): "version" | "listFailpoints" | undefined {
  const readable = parseCommandLine(
    sets.map(({ specs }) => defineOptions(specs)),
    argv,
    env,
  );
  if (!readable.ok) return undefined;
  const { version, listFailpoints } = readable.values.at(-1) as ProcessOptions;
  if (version) return "version";
  return listFailpoints ? "listFailpoints" : undefined;
}

function helpGroups(components: readonly AnyComponent[]): HelpGroup[] {
  const title = ({ name, summary }: AnyComponent): string => (summary === "" ? name : `${name}: ${summary}`);
  return [
    ...components.map((each) => ({ title: title(each), options: each.options })),
    { title: "Process", options: processOptions },
  ];
}

function widthOf(target: ProcessLike): number {
  return Math.min(120, Math.max(60, target.stdout.columns ?? 100));
}

function say(target: ProcessLike, lines: readonly string[]): number {
  target.stdout.write(lines.map((line) => `${line}\n`).join(""));
  return 0;
}

async function runBuilt(
  program: Program,
  { env: parts, log, componentOptions }: Prepared,
  rules: Omit<RunRules, "log">,
): Promise<void> {
  const { signal } = rules;
  await using env = createEnv({ ...parts, signal });
  log.info({ version: env.version, components: program.components.map((each) => each.name) }, "starting");
  const built: BuiltComponent[] = [];
  for (const [index, component] of program.components.entries()) {
    if (signal.aborted) return;
    const runnable = await build(component, componentOptions[index], env);
    if (runnable === undefined) return;
    built.push({ name: component.name, runnable });
  }
  await runComponents(built, { ...rules, log });
}

/** Undefined when the program was stopped meanwhile: whatever it failed with then, nobody waits for it any more. */
async function build(
  component: AnyComponent,
  options: unknown,
  env: Env,
): Promise<BuiltComponent["runnable"] | undefined> {
  const log = env.log.child({ component: component.name });
  try {
    return await component.build(options, { ...env, log });
  } catch (thrown) {
    if (!env.signal.aborted) throw new ComponentError(component.name, thrown);
    log.debug({ err: thrown }, "stopped while starting");
    return undefined;
  }
}
