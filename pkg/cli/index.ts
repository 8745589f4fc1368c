import { list } from "./cbt/list.ts";
import { rebuild } from "./cbt/rebuild.ts";
import type { AnyVerb } from "./command.ts";

export type { AnyVerb, Io, Verb } from "./command.ts";
export { type CliOptions, runCli } from "./run.ts";

/** Everything kubectl-protect can do. */
export const verbs: readonly AnyVerb[] = [list, rebuild];
