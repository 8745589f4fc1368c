import { list } from "./cbt/list.ts";
import { map } from "./cbt/map.ts";
import { rebuild } from "./cbt/rebuild.ts";
import { verify } from "./cbt/verify.ts";
import type { AnyVerb } from "./command.ts";

export { aliases } from "./aliases.ts";
export { runCli } from "./run.ts";

/** Everything kubectl-protect can do. */
export const verbs: readonly AnyVerb[] = [list, map, rebuild, verify];
