import { list } from "./cbt/list.ts";
import { verify } from "./cbt/verify.ts";
import type { AnyVerb } from "./command.ts";

/** Names of the original's programs, each a verb of ours when kubectl-protect is started under it. */
export const aliases: Readonly<Record<string, AnyVerb>> = {
  "snapshot-metadata-lister": list,
  "snapshot-metadata-verifier": verify,
};
