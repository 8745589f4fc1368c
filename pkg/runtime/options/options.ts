/** One flag of a program. `T` is the type of its parsed value. */
export interface OptionSpec<T> {
  /** Long name without dashes; accepted with one or two. */
  readonly flag: string;
  readonly kind: "text" | "integer" | "number" | "boolean" | "duration" | "choice" | "list";
  /** Go syntax, as a person would type it: "1m", "10", "false", "". */
  readonly fallback: string;
  readonly help: string;
  /** Environment variable that gives the default when the flag is absent. */
  readonly env?: string;
  /** Accepted so that existing manifests keep working; changes nothing. Said in --help. */
  readonly compatOnly?: boolean;
  /** Never printed. */
  readonly secret?: boolean;
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

export function defineOptions<O>(
  specs: { readonly [K in keyof O]: OptionSpec<O[K]> },
  checks: readonly ((options: O, problem: Problem) => void)[] = [],
): OptionSet<O> {
  return { specs, checks, check: (check) => defineOptions(specs, [...checks, check]) };
}
