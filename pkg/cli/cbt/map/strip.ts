import { plainText } from "../../screen/plain.ts";
import type { Style } from "../../screen/style.ts";
import { bytes } from "../../screen/units.ts";
import {
  deltasOf,
  heatOf,
  type Layer,
  outOfOrder,
  type Survey,
  shadeOf,
  spanOf,
  ticksOf,
  timesChanged,
} from "./survey.ts";
import { momentOf, shareOf, sizeOf, subjectOf } from "./words.ts";

const marks = ["·", "░", "▒", "▓", "█"] as const;

/** Hues that hold on dark and on light backgrounds; the shade itself is in the mark. */
const hues = { allocated: 33, changed: 208, often: [178, 208, 202, 196] } as const;

/** The map for a terminal of `width` columns. Without colours the marks alone tell everything. */
export function drawStrips(survey: Survey, width: number, style: Style): string[] {
  const span = spanOf(survey);
  const deltas = deltasOf(survey);
  const lines = [headline(survey, style), ""];
  const nameWidth = Math.max(...survey.layers.map(({ name }) => plainText(name).length));
  for (const layer of survey.layers) {
    lines.push(caption(layer, nameWidth, style), strip(layer, width, span, style), "");
  }
  if (deltas.length > 1) lines.push(...often(survey, width, style), "");
  lines.push(...scale(span, width, style), "", ...legend(survey, width, style));
  for (const name of outOfOrder(survey)) {
    lines.push(
      "",
      `${style.yellow("!")} ${plainText(name)} is older than the snapshot before it: its changes run backwards`,
    );
  }
  return lines;
}

function headline(survey: Survey, style: Style): string {
  const { namespace, layers } = survey;
  const drivers = [...new Set(layers.map(({ driverName }) => plainText(driverName)))].join(", ");
  const span = spanOf(survey);
  const names = layers.map(({ name }) => plainText(name));
  const title = `${plainText(namespace)}/${names.length > 1 ? `${names[0]} … ${names.at(-1)}` : names[0]}`;
  return `${style.bold(title)}  ${style.dim(`${drivers} · ${bytes(span)}`)}`;
}

/** Padded, so that the facts of all layers stand below each other. */
function caption(layer: Layer, nameWidth: number, style: Style): string {
  const { name, createdAt } = layer;
  const when = createdAt ? `  ${style.dim(momentOf(createdAt))}` : "";
  const padding = " ".repeat(nameWidth - plainText(name).length);
  return `${style.bold(plainText(name))}${padding}${when}  ${sizeOf(layer).padStart(9)} ${subjectOf(layer)} (${shareOf(layer)})`;
}

function strip({ where, since }: Layer, width: number, span: number, style: Style): string {
  const hue = style.indexed(since === undefined ? hues.allocated : hues.changed);
  const shades = span === 0 ? new Array<number>(width).fill(0) : where.shares(width, span).map(shadeOf);
  return runs(
    shades,
    (shade) => (shade === 0 ? style.dim : hue),
    (shade) => marks[shade] ?? "█",
  );
}

/** How often each piece changed, as digits: a shade would say how much. */
function often(survey: Survey, width: number, style: Style): string[] {
  const times = spanOf(survey) === 0 ? [] : timesChanged(survey, width);
  const deltas = deltasOf(survey).length;
  const row = runs(
    times,
    (each) => (each === 0 ? style.dim : style.indexed(hues.often[heatOf(each, deltas) - 1] ?? 196)),
    (each) => (each === 0 ? "·" : each > 9 ? "+" : String(each)),
  );
  return [`${style.bold("how often")}  in how many of the ${deltas} deltas each region changed`, row];
}

function scale(span: number, width: number, style: Style): string[] {
  const marks = Array.from({ length: width }, () => "─");
  const words = Array.from({ length: width }, () => " ");
  let free = 0;
  for (const tick of ticksOf(span, Math.max(2, Math.floor(width / 18)))) {
    const word = tick === 0 ? "0" : bytes(tick);
    const column = span === 0 ? 0 : Math.min(width - 1, Math.round((tick / span) * width));
    const from = Math.min(column, width - word.length);
    if (from < free) continue;
    marks[column] = "┬";
    for (const [at, letter] of [...word].entries()) words[from + at] = letter;
    free = from + word.length + 1;
  }
  return [style.dim(marks.join("")), style.dim(words.join("").trimEnd())];
}

function legend(survey: Survey, width: number, style: Style): string[] {
  const [, light, some, much, most] = marks;
  const hasDeltas = deltasOf(survey).length > 0;
  const changed = hasDeltas ? `   ${style.indexed(hues.changed)(most)} changed` : "";
  const hued = `${style.indexed(hues.allocated)(most)} allocated${changed}   `;
  return [
    (style.isTerminal ? hued : "") + style.dim(`one cell is ${bytes(spanOf(survey) / width)}, of which covered:`),
    style.dim(`${light} below 1 %   ${some} below 10 %   ${much} below 50 %   ${most} more   · nothing`),
  ];
}

/** Neighbours of one colour share its codes. */
function runs(
  values: readonly number[],
  colour: (value: number) => (text: string) => string,
  mark: (value: number) => string,
): string {
  let text = "";
  for (let at = 0; at < values.length; ) {
    const value = values[at] ?? 0;
    let end = at;
    while (end < values.length && values[end] === value) end += 1;
    text += colour(value)(mark(value).repeat(end - at));
    at = end;
  }
  return text;
}
