/** Writes docs/reference from the code: flags, metrics, gRPC codes. The same code always gives the same text. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { processOptions } from "../pkg/runtime/lifecycle/index.ts";
import { processMetrics, renderMetricsPage } from "../pkg/runtime/metrics/index.ts";
import { renderFlagsPage } from "../pkg/runtime/options/index.ts";
import { renderCodesPage } from "../pkg/snapshotmetadata/index.ts";
import { programs } from "./programs.ts";

/** File name to text of every page. */
export function pages(): Map<string, string> {
  const flags = programs.map(({ name, summary, components }) => ({
    name,
    summary,
    groups: [
      ...components.map((each) => ({ title: each.name, options: each.options })),
      { title: "process", options: processOptions },
    ],
  }));
  const metrics = programs.map(({ name, components }) => ({
    name,
    families: [...components.flatMap((each) => each.metrics ?? []), ...processMetrics],
  }));
  return new Map([
    ["flags.md", renderFlagsPage(flags)],
    ["metrics.md", renderMetricsPage(metrics)],
    ["codes.md", renderCodesPage()],
  ]);
}

if (import.meta.main) {
  const folder = resolve(import.meta.dirname, "../docs/reference");
  mkdirSync(folder, { recursive: true });
  for (const [name, text] of pages()) writeFileSync(join(folder, name), text);
  console.log(`docs/reference: ${pages().size} pages`);
}
