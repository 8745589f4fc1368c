import type { Writable } from "node:stream";
import type { Style } from "../../../pkg/cli/screen/style.ts";
import { seconds } from "../../../pkg/cli/screen/units.ts";
import type { DemoResult, Narrator, Outcome, ProcessNews } from "./narrator.ts";
import { table } from "./table.ts";

const titleWidth = 34;
const indent = " ".repeat(6);

/** A narrator for people. */
export function terminalNarrator(out: Writable, style: Style): Narrator {
  let number = 0;
  let pending = "";
  const died = new Set<string>();
  const line = (text = ""): void => {
    // The title of a running step stands alone on its line until the step is done.
    out.write(style.isTerminal && pending ? `\r\x1b[K${text}\n${pending}` : `${text}\n`);
  };
  const begin = (text: string): void => {
    pending = text;
    if (style.isTerminal) out.write(text);
  };
  const end = (text: string): void => {
    if (style.isTerminal) out.write("\r\x1b[K");
    pending = "";
    line(text);
  };
  return {
    heading: (text) => line(`\n${style.bold(text)}`),
    aside: (text) => line(`${indent}${style.dim(text)}`),
    process: (news) => {
      const again = news.state === "started" && died.has(news.name);
      if (news.state !== "started") died.add(news.name);
      if (news.state !== "started" || again) line(`${indent}${style.yellow(sayProcess(news))}`);
    },
    step: async <T>(title: string, work: () => Promise<Outcome<T>>): Promise<T> => {
      number += 1;
      const lead = `${String(number).padStart(3)}  ${title.padEnd(titleWidth)}`;
      const startedAt = performance.now();
      begin(style.dim(`${lead} …`));
      try {
        const { value, note, lines = [] } = await work();
        end(`${lead} ${style.green("✔")} ${note} ${style.dim(seconds(performance.now() - startedAt))}`);
        for (const each of lines) line(indent + each);
        return value;
      } catch (thrown) {
        end(`${lead} ${style.red("✘")} ${style.dim(seconds(performance.now() - startedAt))}`);
        throw thrown;
      }
    },
    result: (result) => {
      for (const each of closing(result, style)) line(each);
      for (const each of result.kept ?? []) line(`  ${each}`);
    },
  };
}

function sayProcess({ name, pid, state }: ProcessNews): string {
  if (state === "started") return `${name} was started again, as the kubelet would (process ${pid})`;
  return `${name} (process ${pid}) ${state === "killed" ? "was killed" : "ended"}`;
}

function closing(result: DemoResult, style: Style): string[] {
  if (!result.ok) {
    const [first = "", ...rest] = result.error.split("\n");
    return ["", `${style.red("FAILED")} at "${result.step}": ${first}`, ...rest.map((each) => `       ${each}`), ""];
  }
  const [footnote = "", sentence = ""] = result.notes;
  const end = `${style.green("✔")} ${style.bold(sentence)} ${style.dim(`(${seconds(result.ms)} in all)`)}`;
  if (result.table.length === 0) return ["", `  ${end}`, ""];
  const [head = "", rule = "", ...rows] = table(result.table);
  return [
    "",
    ...[style.bold(head), style.dim(rule), ...rows, style.dim(footnote)].map((each) => `  ${each}`),
    "",
    `  ${end}`,
    "",
  ];
}
