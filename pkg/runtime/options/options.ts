export type OptionKind = "text" | "integer" | "number" | "boolean" | "duration" | "choice" | "list";

/** One flag of a program. `T` is the type of its parsed value. */
export interface OptionSpec<T> {
  /** Long name without dashes; accepted with one or two. */
  readonly flag: string;
  /** A second, one-letter name, for command lines that people type. */
  readonly short?: string;
  readonly kind: OptionKind;
  /** Go syntax, as a person would type it: "1m", "10", "false", "". */
  readonly fallback: string;
  readonly help: string;
  /** Environment variable that gives the default when the flag is absent. Empty counts as not set. */
  readonly env?: string;
  /** Accepted so that existing manifests keep working; changes nothing. Said in --help. */
  readonly compatOnly?: boolean;
  /** Never printed. */
  readonly secret?: boolean;
  /** For `choice`: what may be given. */
  readonly values?: readonly string[];
  /** Returns the value, or throws an Error whose message says what is expected. */
  parse(text: string): T;
}

export type OptionsOf<S> = S extends OptionSet<infer O> ? O : never;

/** Reports one wrong flag; all problems of a command line are told at once. */
export type Problem = (flag: string, message: string) => void;

/** The flags of one component, and the check that looks at them together. */
export interface OptionSet<O> {
  readonly specs: { readonly [K in keyof O]: OptionSpec<O[K]> };
  /** The same flags with a further check. */
  check(check: (options: O, problem: Problem) => void): OptionSet<O>;
  readonly checks: readonly ((options: O, problem: Problem) => void)[];
}

// A command line has sets of different option types; each is only ever parsed into its own.
// biome-ignore lint/suspicious/noExplicitAny: the existential type that TypeScript lacks
export type AnyOptionSet = OptionSet<any>;

export function defineOptions<O>(
  specs: { readonly [K in keyof O]: OptionSpec<O[K]> },
  checks: readonly ((options: O, problem: Problem) => void)[] = [],
): OptionSet<O> {
  return { specs, checks, check: (check) => defineOptions(specs, [...checks, check]) };
}

/** The specs of a set, in the order in which they were written. */
export function specsOf(set: AnyOptionSet): readonly OptionSpec<unknown>[] {
  return Object.values(set.specs);
}
