/** Writes docs/reference from the code: flags, metrics, gRPC codes. The same code always gives the same text. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { processOptions } from "../pkg/runtime/lifecycle/index.ts";
import { processMetrics, renderMetricsPage } from "../pkg/runtime/metrics/index.ts";
import {
  type AnyOptionSet,
  defineOptions,
  type FlagsPageProgram,
  type OptionSpec,
  renderFlagsPage,
} from "../pkg/runtime/options/index.ts";
import { renderCodesPage } from "../pkg/snapshotmetadata/index.ts";
import { commandLinePrograms, type DescribedProgram, developmentPrograms, programs } from "./programs.ts";

/** File name to text of every page. */
export function pages(): Map<string, string> {
  const withComponents = [...programs, ...developmentPrograms];
  const flags = [...programs.map(flagsOf), ...commandLinePrograms, ...developmentPrograms.map(flagsOf)];
  const metrics = withComponents.flatMap(({ name, components }) => {
    const own = components.flatMap((each) => each.metrics ?? []);
    // Components of one program share metrics, as they share flags.
    const families = [...new Map([...own, ...processMetrics].map((each) => [each.name, each])).values()];
    return own.length === 0 ? [] : [{ name, families }];
  });
  return new Map([
    ["flags.md", renderFlagsPage(flags)],
    ["metrics.md", renderMetricsPage(metrics)],
    ["codes.md", renderCodesPage()],
  ]);
}

function flagsOf({ name, summary, components }: DescribedProgram): FlagsPageProgram {
  const shown = new Set<string>();
  const own = components.map(({ name: title, options }) => {
    const specs = Object.entries(options.specs).filter(([, spec]) => !shown.has(flagOf(spec)));
    for (const [, spec] of specs) shown.add(flagOf(spec));
    return { title, options: defineOptions(Object.fromEntries(specs) as AnyOptionSet["specs"]) };
  });
  return { name, summary, groups: [...own, { title: "process", options: processOptions }] };
}

const flagOf = (spec: unknown): string => (spec as OptionSpec<unknown>).flag;

if (import.meta.main) {
  const folder = resolve(import.meta.dirname, "../docs/reference");
  mkdirSync(folder, { recursive: true });
  for (const [name, text] of pages()) writeFileSync(join(folder, name), text);
  console.log(`docs/reference: ${pages().size} pages`);
}
