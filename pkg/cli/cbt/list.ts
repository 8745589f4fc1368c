import { choice, defineOptions, type OptionsOf } from "../../runtime/options/index.ts";
import type { Verb } from "../command.ts";
import { print } from "../print.ts";
import { tellResume, withMetadata } from "./connect.ts";
import { jsonEmitter } from "./json.ts";
import { checkSnapshotOptions, snapshotSpecs } from "./options.ts";
import { tableEmitter } from "./table.ts";

const listOptions = defineOptions({
  ...snapshotSpecs,
  outputFormat: choice("output-format", "table", ["table", "json"], "How the ranges are printed", { short: "o" }),
}).check(checkSnapshotOptions);

/** Prints the allocated or the changed ranges of a snapshot, byte for byte as the original's lister. */
export const list: Verb<OptionsOf<typeof listOptions>> = {
  words: "cbt list",
  summary: "List the allocated blocks of a snapshot, or those that changed since an earlier one.",
  examples: [
    "kubectl protect cbt list -n shop -s monday",
    "kubectl protect cbt list -n shop -p monday -s tuesday -o json",
  ],
  options: listOptions,
  run: async (options, io) => {
    const emitter = options.outputFormat === "json" ? jsonEmitter() : tableEmitter();
    await withMetadata(options, io, tellResume(io.stderr), async (metadata) => {
      for await (const record of metadata) await print(io.stdout, emitter.record(record), io.signal);
      await print(io.stdout, emitter.done(), io.signal);
    });
  },
};
