import { at, isObject, type Json, listAt } from "../wire/json.ts";

type Part =
  | { readonly field: string }
  | { readonly index: number }
  | { readonly all: true }
  | { readonly where: string; readonly equals: string };

/** A simple JSONPath such as `.status.conditions[?(@.type=="Ready")].status`; undefined when it is not one. */
export function parseJsonPath(text: string): readonly Part[] | undefined {
  const parts: Part[] = [];
  let rest = text.trim();
  while (rest !== "") {
    const match = steps
      .map(([pattern, make]) => ({ found: pattern.exec(rest), make }))
      .find((each) => each.found !== null);
    if (match?.found == null) return undefined;
    parts.push(match.make(match.found));
    rest = rest.slice(match.found[0].length);
  }
  return parts;
}

const unescaped = (text: string): string => text.replaceAll("\\.", ".").replaceAll("\\'", "'");

const steps: readonly (readonly [RegExp, (match: RegExpExecArray) => Part])[] = [
  [/^\.((?:\\.|[^.[\]\\])+)/, (match) => (match[1] === "*" ? { all: true } : { field: unescaped(match[1] ?? "") })],
  [
    /^\[\?\(@\.([^=]+?)\s*==\s*(?:"([^"]*)"|'([^']*)')\)\]/,
    (match) => ({ where: match[1] ?? "", equals: match[2] ?? match[3] ?? "" }),
  ],
  [/^\[(-?\d+)\]/, (match) => ({ index: Number(match[1]) })],
  [/^\[\*\]/, () => ({ all: true })],
  [/^\['((?:\\.|[^'\\])*)'\]/, (match) => ({ field: unescaped(match[1] ?? "") })],
];

/** All values at a path, in order. */
export function evaluateJsonPath(parts: readonly Part[], value: Json): Json[] {
  return parts.reduce<Json[]>((found, part) => found.flatMap((each) => step(part, each)), [value]);
}

function step(part: Part, value: Json): Json[] {
  if ("field" in part) {
    const found = at(value, part.field);
    return found === undefined ? [] : [found];
  }
  if ("index" in part) {
    const found = Array.isArray(value) ? value.at(part.index) : undefined;
    return found === undefined ? [] : [found];
  }
  if ("all" in part) return Array.isArray(value) ? value : isObject(value) ? Object.values(value) : [];
  return listAt({ list: value }, "list").filter(
    (each) => String(at(each, ...part.where.split(".")) ?? "") === part.equals,
  );
}
