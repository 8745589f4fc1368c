/** Writes docs/reference from the code: flags, metrics, gRPC codes. The same code always gives the same text. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { processOptions } from "../pkg/runtime/lifecycle/index.ts";
import { processMetrics, renderMetricsPage } from "../pkg/runtime/metrics/index.ts";
import { type FlagsPageProgram, renderFlagsPage } from "../pkg/runtime/options/index.ts";
import { renderCodesPage } from "../pkg/snapshotmetadata/index.ts";
import { commandLinePrograms, type DescribedProgram, developmentPrograms, programs } from "./programs.ts";

/** File name to text of every page. */
export function pages(): Map<string, string> {
  const withComponents = [...programs, ...developmentPrograms];
  const flags = [...programs.map(flagsOf), ...commandLinePrograms, ...developmentPrograms.map(flagsOf)];
  const metrics = withComponents.flatMap(({ name, components }) => {
    const own = components.flatMap((each) => each.metrics ?? []);
    return own.length === 0 ? [] : [{ name, families: [...own, ...processMetrics] }];
  });
  return new Map([
    ["flags.md", renderFlagsPage(flags)],
    ["metrics.md", renderMetricsPage(metrics)],
    ["codes.md", renderCodesPage()],
  ]);
}

function flagsOf({ name, summary, components }: DescribedProgram): FlagsPageProgram {
  const own = components.map((each) => ({ title: each.name, options: each.options }));
  return { name, summary, groups: [...own, { title: "process", options: processOptions }] };
}

if (import.meta.main) {
  const folder = resolve(import.meta.dirname, "../docs/reference");
  mkdirSync(folder, { recursive: true });
  for (const [name, text] of pages()) writeFileSync(join(folder, name), text);
  console.log(`docs/reference: ${pages().size} pages`);
}
