import { plainText } from "../../screen/plain.ts";
import { bytes, count } from "../../screen/units.ts";
import { palette } from "./palette.ts";
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
import { elapsed, momentOf, shareOf, sizeOf, subjectOf } from "./words.ts";

/** All lengths in user units, which are pixels at full size. */
const width = 1120;
const columns = 240;
const columnWidth = 3;
const left = 212;
const right = left + columns * columnWidth;
const firstRow = 112;
const pitch = 68;
const stripHeight = 36;
const timelineX = 36;
const swatch = 56;

/**
 * The map as one SVG document: rows in the order of time, the volume from left to right. No script, no font and no
 * picture from elsewhere; colours follow the reader's light or dark scheme.
 */
export function drawSvg(survey: Survey): string {
  const deltas = deltasOf(survey);
  const rows = survey.layers.length + (deltas.length > 1 ? 1 : 0);
  const bottom = firstRow + rows * pitch - (pitch - stripHeight);
  const notes = outOfOrder(survey);
  const height = bottom + 136 + notes.length * 20;
  const body = [
    ...heading(survey),
    ...grid(spanOf(survey), bottom),
    ...timeline(survey.layers),
    ...survey.layers.flatMap((layer, at) => row(layer, firstRow + at * pitch, spanOf(survey))),
    ...(deltas.length > 1 ? often(survey, firstRow + survey.layers.length * pitch) : []),
    ...legend(survey, bottom + 74),
    ...notes.map((name, at) =>
      text(
        left,
        bottom + 136 + at * 20,
        "note",
        `${plainText(name)} is older than the snapshot before it: its changes run backwards in time`,
      ),
    ),
  ];
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-labelledby="title desc">`,
    `<title id="title">${escaped(titleOf(survey))}</title>`,
    `<desc id="desc">${escaped(describe(survey))}</desc>`,
    `<style>${palette}</style>`,
    `<rect class="page" width="${width}" height="${height}" rx="12"/>`,
    ...body,
    "</svg>",
    "",
  ].join("\n");
}

function titleOf({ namespace, layers }: Survey): string {
  const names = layers.map(({ name }) => plainText(name));
  const range = names.length > 1 ? `${names[0]} → ${names.at(-1)}` : (names[0] ?? "");
  return `${plainText(namespace)}/${range}`;
}

/** The whole map in words, for those who do not see it. */
function describe(survey: Survey): string {
  const rows = survey.layers.map((layer) => {
    const when = layer.createdAt ? `, ${momentOf(layer.createdAt)}` : "";
    return `${plainText(layer.name)}${when}: ${sizeOf(layer)} ${subjectOf(layer)} (${shareOf(layer)}).`;
  });
  return [`A volume of ${bytes(spanOf(survey))}, drawn from its first byte at the left to its last.`, ...rows].join(
    " ",
  );
}

function heading(survey: Survey): string[] {
  const span = spanOf(survey);
  const deltas = deltasOf(survey).length;
  const drivers = [...new Set(survey.layers.map(({ driverName }) => plainText(driverName)))].join(", ");
  const facts = [
    drivers,
    `volume of ${bytes(span)}`,
    ...(deltas === 0 ? [] : [deltas === 1 ? "1 delta" : `${deltas} deltas`]),
    `one column is ${bytes(span / columns)}`,
  ];
  return [text(28, 44, "title", titleOf(survey)), text(28, 70, "dim", facts.join("  ·  "))];
}

/** Marks of the scale, from the first row down to their words below the last. */
function grid(span: number, bottom: number): string[] {
  const marks = ticksOf(span, 6).map((tick) => ({
    tick,
    x: span === 0 ? left : left + (tick / span) * (right - left),
  }));
  const lines = marks.map(({ x }) => `M${round(x)} ${firstRow - 10}V${bottom + 10}`).join("");
  return [
    `<path class="grid" d="${lines}"/>`,
    ...marks.map(({ tick, x }) => text(x, bottom + 28, "tick", tick === 0 ? "0" : bytes(tick), "middle")),
  ];
}

/** Time runs down the left edge: a dot for each snapshot, between them how long it took. */
function timeline(layers: readonly Layer[]): string[] {
  const centre = (at: number): number => firstRow + at * pitch + stripHeight / 2;
  const line =
    layers.length > 1 ? [`<path class="time" d="M${timelineX} ${centre(0)}V${centre(layers.length - 1)}"/>`] : [];
  const parts = layers.flatMap(({ name, createdAt }, at) => {
    const before = layers[at - 1]?.createdAt;
    const between =
      createdAt && before
        ? [text(timelineX + 18, centre(at) - pitch / 2 + 4, "small", `+ ${elapsed(before, createdAt)}`)]
        : [];
    return [
      ...between,
      `<circle class="dot" cx="${timelineX}" cy="${centre(at)}" r="5"/>`,
      text(timelineX + 18, centre(at) - (createdAt ? 3 : -5), "name", shortened(plainText(name), 18)),
      ...(createdAt ? [text(timelineX + 18, centre(at) + 14, "small", momentOf(createdAt))] : []),
    ];
  });
  return [...line, ...parts];
}

function row(layer: Layer, y: number, span: number): string[] {
  const kind = layer.since === undefined ? "a" : "c";
  const shades = span === 0 ? [] : layer.where.shares(columns, span).map(shadeOf);
  return [
    "<g>",
    `<title>${escaped(`${plainText(layer.name)}: ${sizeOf(layer)} ${subjectOf(layer)}, ${shareOf(layer)}`)}</title>`,
    ...strip(shades, kind, y, stripHeight),
    text(right + 20, y + 15, "number", sizeOf(layer)),
    text(right + 20, y + 32, "small", shareOf(layer)),
    text(left, y - 6, "small", subjectOf(layer)),
    "</g>",
  ];
}

function often(survey: Survey, y: number): string[] {
  const deltas = deltasOf(survey).length;
  const times = spanOf(survey) === 0 ? [] : timesChanged(survey, columns);
  const touched = times.filter((each) => each > 0).length;
  return [
    "<g>",
    `<title>In how many of the ${deltas} deltas each region changed</title>`,
    ...strip(
      times.map((each) => (each === 0 ? 0 : heatOf(each, deltas))),
      "h",
      y,
      stripHeight,
    ),
    text(timelineX + 18, y + 15, "name", "How often"),
    text(timelineX + 18, y + 32, "small", `of ${deltas} deltas`),
    text(right + 20, y + 15, "number", `${count(touched)} of ${columns}`),
    text(right + 20, y + 32, "small", "columns ever changed"),
    "</g>",
  ];
}

/** A track, and on it one path for each shade. */
function strip(shades: readonly number[], kind: string, y: number, height: number): string[] {
  const paths = [1, 2, 3, 4].flatMap((shade) => {
    const d = runsOf(shades, shade)
      .map(
        ([from, length]) =>
          `M${left + from * columnWidth} ${y}h${length * columnWidth}v${height}h-${length * columnWidth}z`,
      )
      .join("");
    return d === "" ? [] : [`<path class="${kind}${shade}" d="${d}"/>`];
  });
  return [`<rect class="track" x="${left}" y="${y}" width="${right - left}" height="${height}"/>`, ...paths];
}

/** Runs of one shade, as start and length. */
function runsOf(shades: readonly number[], wanted: number): [number, number][] {
  const found: [number, number][] = [];
  shades.forEach((shade, at) => {
    if (shade !== wanted) return;
    const last = found.at(-1);
    if (last && last[0] + last[1] === at) last[1] += 1;
    else found.push([at, 1]);
  });
  return found;
}

function legend(survey: Survey, y: number): string[] {
  const deltas = deltasOf(survey).length;
  const shares = ["< 1 %", "< 10 %", "< 50 %", "more"].map((words, at) => [at + 1, words] as const);
  return [
    ...key(0, y, "a", "Allocated, share of a column", shares),
    ...(deltas > 0 ? key(1, y, "c", "Changed, share of a column", shares) : []),
    ...(deltas > 1 ? key(2, y, "h", "Deltas in which a column changed", heatsOf(deltas)) : []),
  ];
}

/** The shades of one kind of row with what they mean, in one of three places side by side. */
function key(
  place: number,
  y: number,
  kind: string,
  title: string,
  shades: readonly (readonly [number, string])[],
): string[] {
  const start = left + place * 256;
  return [
    text(start, y, "small", title),
    ...shades.flatMap(([shade, words], at) => [
      `<rect class="${kind}${shade}" x="${start + at * swatch}" y="${y + 8}" width="${swatch}" height="12"/>`,
      text(start + (at + 0.5) * swatch, y + 35, "tiny", words, "middle"),
    ]),
  ];
}

/** Which numbers of deltas each heat stands for; with few deltas some heats do not occur. */
function heatsOf(deltas: number): (readonly [number, string])[] {
  return [1, 2, 3, 4].flatMap((heat) => {
    const times = Array.from({ length: deltas }, (_, at) => at + 1).filter((each) => heatOf(each, deltas) === heat);
    const [first, last] = [times[0], times.at(-1)];
    if (first === undefined) return [];
    return [[heat, first === last ? `${first}` : `${first}–${last}`] as const];
  });
}

function text(x: number, y: number, kind: string, words: string, anchor?: "middle"): string {
  const how = anchor ? ` text-anchor="${anchor}"` : "";
  return `<text class="${kind}" x="${round(x)}" y="${round(y)}"${how}>${escaped(words)}</text>`;
}

function shortened(words: string, letters: number): string {
  const all = [...words];
  return all.length <= letters ? words : `${all.slice(0, letters - 1).join("")}…`;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

function escaped(words: string): string {
  return words.replace(/[&<>"]/g, (letter) => `&#${letter.charCodeAt(0)};`);
}
