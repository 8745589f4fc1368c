import { messageOf } from "../runtime/errors/index.ts";
import { defineFailpoints, parseFailpoints } from "../runtime/failpoints/index.ts";
import { parseCommandLine, renderHelp } from "../runtime/options/index.ts";
import type { AnyVerb, Io } from "./command.ts";
import { plainText } from "./screen/plain.ts";

export interface CliOptions {
  /** Name that people type, for messages and help. */
  readonly program: string;
  readonly verbs: readonly AnyVerb[];
  /** The verb that the program is when started under one of these names. */
  readonly aliases?: Readonly<Record<string, AnyVerb>>;
  /** Without node and script. */
  readonly argv: readonly string[];
  /** Sends SIGKILL to this process; only for failpoints. */
  readonly kill: () => void;
}

type Surroundings = Omit<Io, "failpoint">;

/** Finds the verb and runs it. Settles with the exit code: 0, 1 after any failure, 2 when a flag is not understood. */
export async function runCli(options: CliOptions, io: Surroundings): Promise<number> {
  const { program, verbs, aliases = {}, argv } = options;
  const alias = Object.hasOwn(aliases, program) ? aliases[program] : undefined;
  if (alias) return await runAlias(options, alias, io);
  const verb = verbs.find(({ words }) => words.split(" ").every((word, at) => argv[at] === word));
  if (!verb) return overview({ program, verbs, argv }, io);
  return await runVerb(options, verb, `${program} ${verb.words}`, argv.slice(verb.words.split(" ").length), io);
}

/** As the originals: help goes to stderr however it is asked for, and only ~/.kube/config is looked for. */
async function runAlias(options: CliOptions, verb: AnyVerb, io: Surroundings): Promise<number> {
  const { KUBECONFIG: _ignored, ...env } = io.env;
  const words = options.argv.map((word) => (/^--?help$/.test(word) ? "-h" : word));
  return await runVerb(options, verb, options.program, words, { ...io, env });
}

async function runVerb(
  { verbs, kill }: CliOptions,
  verb: AnyVerb,
  title: string,
  words: readonly string[],
  io: Surroundings,
): Promise<number> {
  const rules = verb.positional ? { positional: verb.positional, interspersed: true } : {};
  const parsed = parseCommandLine([verb.options] as const, words, io.env, rules);
  if (!parsed.ok && parsed.help) {
    // The original's short flag writes to stderr; a person who asks with the long one may want to page.
    const out = words.some((word) => word === "-h" || word === "--h") ? io.stderr : io.stdout;
    out.write(verbHelp(title, verb));
    return 0;
  }
  if (!parsed.ok) {
    for (const problem of parsed.problems) io.stderr.write(`${title}: ${plainText(problem)}\n`);
    io.stderr.write(`See ${title} ${title.includes(" ") ? "--help" : "-h"}\n`);
    return parsed.exitCode;
  }
  try {
    await verb.run(parsed.values[0], { ...io, failpoint: failpointOf(verb, verbs, io, kill) }, parsed.positional);
    return 0;
  } catch (thrown) {
    io.stderr.write(`${title}: ${plainText(messageOf(thrown))}\n`);
    return 1;
  }
}

/** The environment may arm points of any verb; each verb passes only its own. */
function failpointOf(verb: AnyVerb, all: readonly AnyVerb[], { env }: Surroundings, kill: () => void): Io["failpoint"] {
  const text = env["CSI_DATA_PROTECTION_FAILPOINTS"];
  if (!text) return () => undefined;
  const known = all.flatMap(({ failpoints = [] }) => failpoints);
  return defineFailpoints(verb.failpoints ?? []).arm({ armed: parseFailpoints(text, known), kill });
}

function overview({ program, verbs, argv }: Omit<CliOptions, "kill">, io: Surroundings): number {
  const [first] = argv;
  if (first === "--version" || first === "-version") {
    io.stdout.write(`${program} ${io.version}\n`);
    return 0;
  }
  const asked = first === undefined || /^--?(h|help)$/.test(first) || first === "help";
  const group = verbs.filter(({ words }) => words.startsWith(`${first} `));
  const help = overviewHelp(program, group.length > 0 ? group : verbs);
  const helpAsked = asked || (group.length > 0 && /^--?(h|help)$/.test(argv[1] ?? ""));
  if (helpAsked && first !== undefined) {
    io.stdout.write(help);
    return 0;
  }
  const unfinished = first === undefined || (group.length > 0 && argv.length === 1);
  if (unfinished) io.stderr.write(help);
  else io.stderr.write(`${program}: unknown command "${plainText(argv.slice(0, 2).join(" "))}"\n\n${help}`);
  return 1;
}

function overviewHelp(program: string, verbs: readonly AnyVerb[]): string {
  const width = Math.max(...verbs.map(({ words }) => words.length));
  return [
    `Usage: ${program} <command> [flags]`,
    "",
    "Data protection for volumes of CSI drivers, from the command line.",
    "",
    ...verbs.map(({ words, summary }) => `  ${words.padEnd(width)}  ${summary}`),
    "",
    `${program} <command> --help shows the flags of a command.`,
    "",
  ].join("\n");
}

function verbHelp(title: string, { summary, examples, options, positional }: AnyVerb): string {
  const usage = positional ? `${positional.name}… [flags]` : "[flags]";
  const help = renderHelp({ name: title, summary, usage }, [{ title: "Flags", options }]);
  return `${help}\nExamples:\n${examples.map((each) => `  ${each}\n`).join("")}`;
}
