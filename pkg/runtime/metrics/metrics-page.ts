import type { MetricFamily } from "./families.ts";

/** One program of the reference page. */
export interface MetricsPageProgram {
  readonly name: string;
  readonly families: readonly MetricFamily[];
}

/** The reference page of all metrics, as Markdown. The same input always gives the same text. */
export function renderMetricsPage(programs: readonly MetricsPageProgram[]): string {
  const parts = ["# Metrics", "", "Generated from the code; do not edit.", ""];
  for (const { name, families } of programs) {
    parts.push(`## ${name}`, "", "| Metric | Type | Labels | Buckets | Meaning |", "|---|---|---|---|---|");
    parts.push(...families.map(row), "");
  }
  return parts.join("\n");
}

function row({ name, type, labels, buckets, help }: MetricFamily): string {
  const cells = [`\`${name}\``, type, labels.map((each) => `\`${each}\``).join(", "), buckets?.join(" ") ?? "", help];
  return `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
}
