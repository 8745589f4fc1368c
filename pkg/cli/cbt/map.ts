import { writeFile } from "node:fs/promises";
import { Failure, messageOf } from "../../runtime/errors/index.ts";
import { defineOptions, integer, type OptionsOf, text } from "../../runtime/options/index.ts";
import { forEachLimited } from "../../runtime/stream/index.ts";
import type { Io, Verb } from "../command.ts";
import { print } from "../print.ts";
import { type Position, progressLine } from "../screen/progress.ts";
import { styleFor } from "../screen/style.ts";
import { type Asker, tellResume, withAsker } from "./connect.ts";
import { drawStrips } from "./map/strip.ts";
import { type Layer, readLayer, type Survey } from "./map/survey.ts";
import { drawSvg } from "./map/svg.ts";
import { checkConnectionOptions, connectionSpecs } from "./options.ts";

const narrowest = 40;
const widest = 1000;

/** Where nobody tells how wide the terminal is, or where there is none. */
const usualWidth = 100;

const mapOptions = defineOptions({
  ...connectionSpecs,
  svg: text("svg", "", "Write the map to this file too, as SVG"),
  width: integer("width", 0, "Columns of the strips; 0 is the width of the terminal, or 100 where there is none"),
}).check((o, problem) => {
  checkConnectionOptions(o, problem);
  if (o.width !== 0 && (o.width < narrowest || o.width > widest)) {
    problem("width", `must be 0 or between ${narrowest} and ${widest}, not ${o.width}`);
  }
});

type Options = OptionsOf<typeof mapOptions>;

/** Streams that are read at once; a driver may compare whole disks for each. */
const streamsAtOnce = 2;

/** Draws where a volume holds data, and where it changed from snapshot to snapshot. */
export const map: Verb<Options> = {
  words: "cbt map",
  summary:
    "Draw where a volume holds data and where it changed: what is allocated in the first snapshot, then the changes from each snapshot to the next.",
  examples: [
    "kubectl protect cbt map -n shop monday",
    "kubectl protect cbt map -n shop monday tuesday wednesday --svg week.svg",
  ],
  options: mapOptions,
  positional: { name: "snapshot", min: 1, max: 100 },
  run: async (options, io, names) => {
    await withAsker(options, io, async (asker) => {
      const survey = await surveyOf(asker, names, io);
      if (options.svg) await save(options.svg, drawSvg(survey));
      const style = styleFor(io.stdout.isTTY === true, io.env);
      const lines = drawStrips(survey, options.width || widthOf(io), style);
      await print(io.stdout, `${lines.join("\n")}\n`, io.signal);
    });
  },
};

/** What the first snapshot holds, and what each of the others changed. Throws what the first broken stream throws. */
async function surveyOf({ open, namespace }: Asker, names: readonly string[], io: Io): Promise<Survey> {
  using progress = progressLine(io);
  const layers: Layer[] = [];
  const passed = names.map(() => ({ doneBytes: 0, wholeBytes: 0 }));
  await forEachLimited(names.entries(), streamsAtOnce, async ([at, snapshotName]) => {
    const since = names[at - 1];
    await using metadata = await open({
      snapshotName,
      ...(since === undefined ? {} : { previousSnapshotName: since }),
      onResume: tellResume(progress),
    });
    layers[at] = await readLayer(metadata, since, (doneBytes, wholeBytes) => {
      passed[at] = { doneBytes, wholeBytes };
      progress.show(sumOf(passed));
    });
  });
  return { namespace, layers };
}

/** All streams together; those that have not begun count like the largest. */
function sumOf(passed: readonly { readonly doneBytes: number; readonly wholeBytes: number }[]): Position {
  const largest = Math.max(...passed.map(({ wholeBytes }) => wholeBytes));
  const doneBytes = passed.reduce((sum, each) => sum + each.doneBytes, 0);
  return { doneBytes, wholeBytes: largest * passed.length };
}

async function save(path: string, svg: string): Promise<void> {
  await writeFile(path, svg).catch((thrown: unknown) => {
    throw new Failure("terminal", "FileUnusable", `--svg=${path}: ${messageOf(thrown)}`);
  });
}

function widthOf({ stdout, env }: Io): number {
  const columns = (stdout.isTTY ? stdout.columns : undefined) ?? Number(env["COLUMNS"] ?? Number.NaN);
  return Number.isInteger(columns) && columns > 0 ? Math.min(widest, Math.max(narrowest, columns)) : usualWidth;
}
