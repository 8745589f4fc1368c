import { messageOf } from "../errors/index.ts";
import { nearest } from "./nearest.ts";
import { type AnyOptionSet, type OptionSpec, type OptionsOf, specsOf } from "./options.ts";

/** What a command line may hold beside flags. */
export interface ParseRules {
  /** Words that are not flags: how many at least and at most. Without it there may be none. */
  readonly positional?: { readonly name: string; readonly min: number; readonly max: number };
  /** Flags may stand after positional words. Go's flag package stops at the first word; people's tools do not. */
  readonly interspersed?: boolean;
}

/** A command line that was understood. */
export interface CommandLine<V extends readonly unknown[]> {
  readonly ok: true;
  /** One options object per set, in the order of the sets. */
  readonly values: V;
  readonly positional: readonly string[];
  /** Names of the flags that were given, rather than left to a default. */
  readonly given: ReadonlySet<string>;
}

/** A command line that asks for help, or has something wrong with it: the program does not run. */
export interface RefusedLine {
  readonly ok: false;
  /** `--help` or `-h` stands on it; nothing else was looked at. */
  readonly help: boolean;
  readonly problems: readonly string[];
  /** 0 after help; 2 when the command line can not be read, as in Go; 1 when only a check refused a value. */
  readonly exitCode: 0 | 1 | 2;
}

export type Parsed<V extends readonly unknown[]> = CommandLine<V> | RefusedLine;

type Environment = Readonly<Record<string, string | undefined>>;

type ValuesOf<S extends readonly AnyOptionSet[]> = { readonly [I in keyof S]: OptionsOf<S[I]> };

/**
 * Reads `argv` (without node and script) in the syntax of Go's flag package: one or two dashes, `-f v` or `-f=v`,
 * switches that never take the next argument, `--` as the end of flags. Flags left out come from the environment,
 * then from their default. Reports all problems together. Throws when two sets define one flag differently.
 */
export function parseCommandLine<const S extends readonly AnyOptionSet[]>(
  sets: S,
  argv: readonly string[],
  env: Environment,
  rules: ParseRules = {},
): Parsed<ValuesOf<S>> {
  const specs = mergeSpecs(sets);
  const scan = scanArguments(specs, argv, rules);
  if (scan.help) return { ok: false, help: true, problems: [], exitCode: 0 };
  const { parsed, wrong } = readValues(specs, scan.given, env);
  const unreadable = [...scan.problems, ...countProblems(scan.positional, rules), ...wrong.values()];
  const values = sets.map((set) => valuesOf(set, parsed));
  const refused = new Set<string>();
  sets.forEach((set, index) => {
    for (const check of set.checks) {
      check(values[index], (flag, message) => {
        // What could not be read has been told; a check saw its default instead.
        if (!wrong.has(flag)) refused.add(`--${flag}: ${message}`);
      });
    }
  });
  const problems = [...unreadable, ...refused];
  if (problems.length > 0) return { ok: false, help: false, problems, exitCode: unreadable.length > 0 ? 2 : 1 };
  return {
    ok: true,
    values: values as unknown as ValuesOf<S>,
    positional: scan.positional,
    given: new Set(scan.given.keys()),
  };
}

function readValues(
  specs: ReadonlyMap<string, OptionSpec<unknown>>,
  given: ReadonlyMap<string, string>,
  env: Environment,
): { readonly parsed: ReadonlyMap<string, unknown>; readonly wrong: ReadonlyMap<string, string> } {
  const parsed = new Map<string, unknown>();
  const wrong = new Map<string, string>();
  for (const spec of new Set(specs.values())) {
    const { text, label } = sourceOf(spec, given.get(spec.flag), env);
    try {
      parsed.set(spec.flag, spec.parse(text));
    } catch (thrown) {
      wrong.set(spec.flag, `${label}: ${spec.secret === true ? "invalid value" : messageOf(thrown)}`);
      parsed.set(spec.flag, spec.parse(spec.fallback));
    }
  }
  return { parsed, wrong };
}

/** All flags by name and by one-letter name. The same flag may be in several sets if it means the same. */
function mergeSpecs(sets: readonly AnyOptionSet[]): ReadonlyMap<string, OptionSpec<unknown>> {
  const byName = new Map<string, OptionSpec<unknown>>();
  for (const spec of sets.flatMap(specsOf)) {
    for (const name of spec.short === undefined ? [spec.flag] : [spec.flag, spec.short]) {
      const known = byName.get(name);
      if (known === undefined) byName.set(name, spec);
      else if (definition(known) !== definition(spec)) {
        throw new Error(`flag --${name} is defined twice, differently: ${definition(known)} and ${definition(spec)}`);
      }
    }
  }
  return byName;
}

function definition({ flag, kind, fallback, env, compatOnly, secret, values, short }: OptionSpec<unknown>): string {
  return JSON.stringify({ flag, kind, fallback, env, compatOnly, secret, values, short });
}

interface Scan {
  readonly given: ReadonlyMap<string, string>;
  readonly positional: readonly string[];
  readonly problems: readonly string[];
  readonly help: boolean;
}

function scanArguments(
  specs: ReadonlyMap<string, OptionSpec<unknown>>,
  argv: readonly string[],
  { positional: words, interspersed = false }: ParseRules,
): Scan {
  const given = new Map<string, string>();
  const positional: string[] = [];
  const problems: string[] = [];
  let help = false;
  for (let at = 0; at < argv.length; at++) {
    const argument = argv[at] as string;
    if (argument === "--") {
      positional.push(...argv.slice(at + 1));
      break;
    }
    if (!argument.startsWith("-") || argument === "-") {
      // Go would silently ignore this word and every flag after it; without declared words we report it and go on.
      if (words !== undefined && !interspersed) {
        positional.push(...argv.slice(at));
        break;
      }
      if (words === undefined) problems.push(unexpected(argument, argv[at - 1], specs));
      else positional.push(argument);
      continue;
    }
    const [, name = "", value] = /^--?([^-=][^=]*)(?:=(.*))?$/s.exec(argument) ?? [];
    const spec = specs.get(name);
    if (name === "") problems.push(`bad flag syntax: ${argument.replace(/=.*/s, "=…")}`);
    else if (spec === undefined && (name === "help" || name === "h")) help = true;
    else if (spec === undefined) {
      problems.push(unknownFlag(name, specs));
      // Most likely the value of the flag that nobody knows; reporting it as well would only hide the cause.
      if (value === undefined && at + 1 < argv.length && !argv[at + 1]?.startsWith("-")) at++;
    } else if (value !== undefined) remember(given, spec, value);
    else if (spec.kind === "boolean") remember(given, spec, "true");
    else if (at + 1 < argv.length) remember(given, spec, argv[++at] as string);
    else problems.push(`--${name}: needs a value`);
  }
  return { given, positional, problems, help };
}

function remember(given: Map<string, string>, spec: OptionSpec<unknown>, value: string): void {
  const before = given.get(spec.flag);
  given.set(spec.flag, spec.kind === "list" && before !== undefined ? `${before},${value}` : value);
}

function unknownFlag(name: string, specs: ReadonlyMap<string, OptionSpec<unknown>>): string {
  const guess = nearest(
    name,
    [...specs.keys(), "help"].filter((each) => each.length > 1),
  );
  return `unknown flag --${name}${guess === undefined ? "" : ` (did you mean --${guess}?)`}`;
}

function unexpected(word: string, before: string | undefined, specs: ReadonlyMap<string, OptionSpec<unknown>>): string {
  const flag = before?.replace(/^--?/, "") ?? "";
  const hint = specs.get(flag)?.kind === "boolean" ? ` (to set a switch, write --${flag}=${word})` : "";
  return `unexpected argument "${word}"${hint}`;
}

function countProblems(words: readonly string[], { positional }: ParseRules): string[] {
  if (positional === undefined) return words.map((word) => `unexpected argument "${word}"`);
  const { name, min, max } = positional;
  if (words.length < min) return [`missing argument: ${name}`];
  return words.slice(max).map((word) => `unexpected argument "${word}"`);
}

interface Source {
  readonly text: string;
  /** Where the text comes from, for messages. */
  readonly label: string;
}

function sourceOf(spec: OptionSpec<unknown>, given: string | undefined, env: Environment): Source {
  if (given !== undefined) return { text: given, label: `--${spec.flag}` };
  const fromEnv = spec.env === undefined ? undefined : env[spec.env];
  if (fromEnv) return { text: fromEnv, label: `environment variable ${spec.env} (--${spec.flag})` };
  return { text: spec.fallback, label: `--${spec.flag}` };
}

function valuesOf(set: AnyOptionSet, parsed: ReadonlyMap<string, unknown>): unknown {
  return Object.fromEntries(
    Object.entries(set.specs).map(([key, spec]) => [key, parsed.get((spec as OptionSpec<unknown>).flag)]),
  );
}
