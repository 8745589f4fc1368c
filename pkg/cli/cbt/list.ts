import { defineOptions, type OptionsOf, text } from "../../runtime/options/index.ts";
import type { MetadataStream } from "../../snapshotmetadata/client/index.ts";
import type { Verb } from "../command.ts";
import { print } from "../print.ts";
import { progressLine } from "../screen/progress.ts";
import { withMetadata } from "./connect.ts";
import { jsonEmitter } from "./json.ts";
import { ndjsonEnd, ndjsonRecord } from "./ndjson.ts";
import { checkSnapshotOptions, fallbackSpecs, snapshotSpecs } from "./options.ts";
import { type Emitter, tableEmitter } from "./table.ts";

const formats = ["table", "json", "ndjson"] as const;

const formatHelp =
  "How the ranges are printed; ndjson: one JSON object per line, the last one only when the list is complete";

const listOptions = defineOptions({
  ...snapshotSpecs,
  ...fallbackSpecs,
  // Checked after the command line was read: to the original a format is any text, and a wrong one a failure like others.
  outputFormat: { ...text("output-format", "table", formatHelp, { short: "o" }), values: formats },
}).check((o, problem) => {
  checkSnapshotOptions(o, problem);
  if (formats.some((each) => each === o.outputFormat)) return;
  problem("output-format", `invalid value "${o.outputFormat}" (expected one of ${formats.join(", ")})`);
});

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
    // On a terminal the list itself shows how far it is.
    using progress = progressLine({ ...io, wanted: io.stdout.isTTY !== true });
    await withMetadata(options, io, progress, async (metadata) => {
      const emitter = emitterOf(options.outputFormat, metadata);
      for await (const record of metadata) {
        await print(io.stdout, emitter.record(record), io.signal);
        const { offset, resumes } = metadata.progress;
        progress.show({ doneBytes: Number(offset), wholeBytes: Number(record.volumeCapacityBytes), resumes });
      }
      await print(io.stdout, emitter.done(), io.signal);
    });
  },
};

function emitterOf(format: string, metadata: MetadataStream): Emitter {
  if (format === "ndjson") return { record: ndjsonRecord, done: () => ndjsonEnd(metadata) };
  return format === "json" ? jsonEmitter() : tableEmitter();
}
