import { defineOptions, type OptionsOf, text } from "../../runtime/options/index.ts";
import { verifyDevice } from "../../snapshotmetadata/rebuild/index.ts";
import type { Verb } from "../command.ts";
import { progressLine } from "../screen/progress.ts";
import { withMetadata } from "./connect.ts";
import { checkSnapshotOptions, snapshotSpecs } from "./options.ts";

const verifyOptions = defineOptions({
  ...snapshotSpecs,
  source: text("source-device-path", "", "Device restored from the snapshot; only read", { short: "src" }),
  target: text(
    "target-device-path",
    "",
    "Fresh device, or one restored from the earlier snapshot where one is named; it is overwritten",
    { short: "tgt" },
  ),
}).check((o, problem) => {
  checkSnapshotOptions(o, problem);
  if (o.source === "") problem("source-device-path", "is required: a device restored from the snapshot");
  if (o.target === "") problem("target-device-path", "is required: a fresh device, or one of the earlier snapshot");
});

/** Does what the original's verifier does: says nothing when the metadata named everything, and fails otherwise. */
export const verify: Verb<OptionsOf<typeof verifyOptions>> = {
  words: "cbt verify",
  summary:
    "Check a driver's metadata: copy the ranges that it names from a restored device to another, and compare the devices whole.",
  examples: [
    "kubectl protect cbt verify -n shop -s monday -src /dev/restored-monday -tgt /dev/empty",
    "kubectl protect cbt verify -n shop -p monday -s tuesday -src /dev/restored-tuesday -tgt /dev/restored-monday",
  ],
  options: verifyOptions,
  run: async (options, io) => {
    using progress = progressLine(io);
    await withMetadata(options, io, progress, async (metadata) => {
      await verifyDevice({
        metadata,
        sourcePath: options.source,
        targetPath: options.target,
        onProgress: (position) => progress.show({ ...position, resumes: metadata.progress.resumes }),
        signal: io.signal,
      });
    });
  },
};
