import type { Writable } from "node:stream";
import type { Failpoint } from "../runtime/failpoints/index.ts";
import type { OptionSet } from "../runtime/options/index.ts";

/** Where text goes; a terminal says so, and how wide it is. */
export type Screen = Writable & { readonly isTTY?: boolean; readonly columns?: number };

/** What a verb may touch of its surroundings. */
export interface Io {
  readonly stdout: Screen;
  readonly stderr: Screen;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Aborted by Ctrl-C and by SIGTERM. */
  readonly signal: AbortSignal;
  readonly version: string;
  /** Passed at the verb's named steps; tests break the program there. */
  readonly failpoint: Failpoint<string>;
}

/** One thing the command line can do. Writes results to stdout, and to stderr what a person should know. */
export interface Verb<O = unknown> {
  /** The words that select it, such as `cbt list`. */
  readonly words: string;
  /** One sentence. */
  readonly summary: string;
  /** Command lines that work, for the help. */
  readonly examples: readonly string[];
  readonly options: OptionSet<O>;
  /** Words that it takes beside flags, in any place; without it none. */
  readonly positional?: { readonly name: string; readonly min: number; readonly max: number };
  /** Names of its failpoints. */
  readonly failpoints?: readonly string[];
  /** Settles when all is done; throws what went wrong. */
  run(options: O, io: Io, positional: readonly string[]): Promise<void>;
}

// A list of verbs has members of different option types; each is only ever run with its own.
// biome-ignore lint/suspicious/noExplicitAny: the existential type that TypeScript lacks
export type AnyVerb = Verb<any>;
