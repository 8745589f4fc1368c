import { type AnyOptionSet, type OptionSpec, specsOf } from "./options.ts";

/** A heading of the help text with the flags below it. */
export interface HelpGroup {
  readonly title: string;
  readonly options: AnyOptionSet;
}

const INDENT = "      ";

/** The text of `--help`: what the program is, then its flags by group, each with default and environment variable. */
export function renderHelp(
  program: { readonly name: string; readonly summary: string; readonly usage?: string },
  groups: readonly HelpGroup[],
  width = 100,
): string {
  const lines = [`Usage: ${program.name} ${program.usage ?? "[flags]"}`, ""];
  if (program.summary !== "") lines.push(...wrap(program.summary, width), "");
  const seen = new Set<string>();
  for (const { title, options } of groups) {
    const specs = specsOf(options).filter((spec) => !seen.has(spec.flag));
    if (specs.length === 0) continue;
    lines.push(`${title}:`);
    for (const spec of specs) {
      seen.add(spec.flag);
      lines.push(`  ${headOf(spec)}`, ...wrap(describe(spec), width - INDENT.length).map((line) => INDENT + line));
    }
    lines.push("");
  }
  lines.push("Flags take one or two dashes. Switches are set with --flag or --flag=false.");
  return `${lines.join("\n")}\n`;
}

function headOf(spec: OptionSpec<unknown>): string {
  const names = spec.short === undefined ? `--${spec.flag}` : `-${spec.short}, --${spec.flag}`;
  return spec.kind === "boolean" ? names : `${names} ${placeholder(spec)}`;
}

/** The word that stands for the value of a flag. */
export function placeholder(spec: OptionSpec<unknown>): string {
  return spec.values === undefined ? spec.kind : spec.values.join("|");
}

/** Help of one flag with its default and environment variable, as one paragraph. */
function describe(spec: OptionSpec<unknown>): string {
  const notes: string[] = [];
  if (spec.compatOnly === true) notes.push("accepted for compatibility, has no effect");
  if (spec.fallback !== "" && spec.secret !== true) notes.push(`default ${spec.fallback}`);
  if (spec.env !== undefined) notes.push(`environment ${spec.env}`);
  return notes.length === 0 ? spec.help : `${spec.help} (${notes.join("; ")})`;
}

function wrap(paragraph: string, width: number): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of paragraph.split(/\s+/)) {
    if (line !== "" && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else line = line === "" ? word : `${line} ${word}`;
  }
  return [...lines, line];
}
