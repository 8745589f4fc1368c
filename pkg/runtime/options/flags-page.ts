import { placeholder } from "./help.ts";
import { type AnyOptionSet, type OptionSpec, specsOf } from "./options.ts";

/** One program of the reference page: its flags by group. */
export interface FlagsPageProgram {
  readonly name: string;
  readonly summary: string;
  readonly groups: readonly { readonly title: string; readonly options: AnyOptionSet }[];
}

/** The reference page of all flags, as Markdown. The same input always gives the same text. */
export function renderFlagsPage(programs: readonly FlagsPageProgram[]): string {
  const parts = ["# Flags", "", "Generated from the code; do not edit.", ""];
  for (const program of programs) {
    parts.push(`## ${program.name}`, "", program.summary, "");
    for (const group of program.groups) {
      parts.push(`### ${program.name}: ${group.title}`, "");
      parts.push("| Flag | Value | Default | Environment | Meaning |", "|---|---|---|---|---|");
      parts.push(...specsOf(group.options).map(row), "");
    }
  }
  return parts.join("\n");
}

function row(spec: OptionSpec<unknown>): string {
  const names =
    spec.short === undefined ? code(`--${spec.flag}`) : `${code(`--${spec.flag}`)}, ${code(`-${spec.short}`)}`;
  const help = spec.compatOnly === true ? `${spec.help} (accepted for compatibility, has no effect)` : spec.help;
  const fallback = spec.fallback === "" || spec.secret === true ? "" : code(spec.fallback);
  const cells = [names, placeholder(spec), fallback, spec.env === undefined ? "" : code(spec.env), help];
  return `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
}

function code(text: string): string {
  return `\`${text}\``;
}
