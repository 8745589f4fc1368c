/** A table of figures, as it is printed and as it stands in docs/benchmarks.md. */
export interface Table {
  readonly title: string;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly string[])[];
  /** How to read it, and what is missing. */
  readonly notes: readonly string[];
}

/** Markdown whose columns are lined up, so that it reads as well on a terminal. */
export function renderTable({ title, columns, rows, notes }: Table): string {
  const widths = columns.map((column, at) => Math.max(column.length, ...rows.map((row) => (row[at] ?? "").length)));
  const words = columns.map((_, at) => rows.some((row) => /^[a-z]/i.test(row[at] ?? "")));
  const pad = (text: string, at: number): string =>
    words[at] ? text.padEnd(widths[at] ?? 0) : text.padStart(widths[at] ?? 0);
  const line = (cells: readonly string[]): string =>
    `| ${widths.map((_, at) => pad(cells[at] ?? "", at)).join(" | ")} |`;
  const rule = `|${widths.map((width, at) => `${"-".repeat(width + 1)}${words[at] ? "-" : ":"}`).join("|")}|`;
  return [`### ${title}`, "", line(columns), rule, ...rows.map(line), "", ...notes.map((note) => `- ${note}`), ""].join(
    "\n",
  );
}

/** A number in a table cell; a dash for what was not measured. */
export function cell(value: number | undefined, digits = 0): string {
  if (value === undefined || !Number.isFinite(value)) return "–";
  return value.toFixed(digits);
}

/** Bytes as MB, as the limits are stated. */
export const megabytes = (bytes: number | undefined): string => cell(bytes === undefined ? undefined : bytes / 1e6);
