import { resolve } from "node:path";
import { boolean, choice, defineOptions, type OptionsOf, text } from "../../runtime/options/index.ts";
import { rebuildDevice, rebuildSteps } from "../../snapshotmetadata/rebuild/index.ts";
import type { Verb } from "../command.ts";
import { print } from "../print.ts";
import { progressLine } from "../screen/progress.ts";
import { withMetadata } from "./connect.ts";
import { checkSnapshotOptions, fallbackSpecs, snapshotSpecs } from "./options.ts";
import { jsonReport, textReport } from "./report.ts";

const rebuildOptions = defineOptions({
  ...snapshotSpecs,
  ...fallbackSpecs,
  source: text("source-device-path", "", "Device (or file) restored from the snapshot; only read", { short: "src" }),
  target: text("target-device-path", "", "File to write, or block device to overwrite", { short: "tgt" }),
  base: text(
    "base-image",
    "",
    "Image of the earlier snapshot; with an earlier snapshot and no image: the target itself",
  ),
  inPlace: boolean("in-place", false, "Overwrite a target file where it stands, as is always done with a device"),
  verify: choice(
    "verify",
    "full",
    ["full", "none"],
    "full compares every byte of the result with the source, which must be zero where it is larger than the snapshot",
  ),
  outputFormat: choice("output-format", "text", ["text", "json"], "How the report is printed", { short: "o" }),
}).check((o, problem) => {
  checkSnapshotOptions(o, problem);
  const delta = o.previousSnapshot !== "" || o.previousSnapshotId !== "";
  if (o.source === "") problem("source-device-path", "is required: a device restored from the snapshot");
  if (o.target === "") problem("target-device-path", "is required: a file or a block device");
  if (o.base !== "" && !delta)
    problem("base-image", "needs --previous-snapshot or --previous-snapshot-id: what is it of?");
  if (o.startingOffset !== "0") problem("starting-offset", "must be 0: a rebuild needs every range");
  for (const [flag, path] of [
    ["source-device-path", o.source],
    ["base-image", o.base],
  ] as const) {
    const clash = path !== "" && resolve(path) === resolve(o.target) && (flag === "source-device-path" || o.inPlace);
    if (clash) problem(flag, "is the target too: it would be overwritten while it is read");
  }
});

type Options = OptionsOf<typeof rebuildOptions>;

/** Builds the state of a snapshot in a file or on a device, from the changed blocks alone where a base is given. */
export const rebuild: Verb<Options> = {
  words: "cbt rebuild",
  summary: "Rebuild a snapshot's volume from an earlier image and the blocks that changed, and check the result.",
  examples: [
    "kubectl protect cbt rebuild -n shop -s monday -src /dev/restored -tgt monday.img",
    "kubectl protect cbt rebuild -n shop -p monday -s tuesday -src /dev/restored --base-image monday.img -tgt tuesday.img",
  ],
  options: rebuildOptions,
  failpoints: rebuildSteps,
  run: async (options, io) => {
    using progress = progressLine(io);
    await withMetadata(options, io, progress, async (metadata) => {
      const report = await rebuildDevice({
        metadata,
        sourcePath: options.source,
        targetPath: options.target,
        ...(options.base ? { basePath: options.base } : {}),
        ontoTarget: metadata.target.baseHandle !== undefined,
        inPlace: options.inPlace,
        verification: options.verify,
        onProgress: (position) => progress.show({ ...position, resumes: metadata.progress.resumes }),
        failpoint: io.failpoint,
        signal: io.signal,
      });
      progress[Symbol.dispose]();
      const text = options.outputFormat === "json" ? jsonReport(report, metadata) : textReport(report, metadata);
      await print(io.stdout, text, io.signal);
    });
  },
};
