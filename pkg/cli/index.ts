import { list } from "./cbt/list.ts";
import { map } from "./cbt/map.ts";
import { rebuild } from "./cbt/rebuild.ts";
import type { AnyVerb } from "./command.ts";

export { runCli } from "./run.ts";

/** Everything kubectl-protect can do. */
export const verbs: readonly AnyVerb[] = [list, map, rebuild];
