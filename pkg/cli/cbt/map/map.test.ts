import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { styleFor } from "../../screen/style.ts";
import { density } from "./density.ts";
import { drawStrips } from "./strip.ts";
import { heatOf, type Layer, type Survey, shadeOf, ticksOf, timesChanged } from "./survey.ts";
import { drawSvg } from "./svg.ts";
import { elapsed } from "./words.ts";

const MiB = 2 ** 20;
const plain = styleFor(false, {});

type Ranges = readonly (readonly [number, number])[];

function aLayer(name: string, ranges: Ranges, rest: Partial<Layer> = {}): Layer {
  const where = density();
  for (const [offset, size] of ranges) where.add(offset, size);
  const rangeBytes = ranges.reduce((sum, [, size]) => sum + size, 0);
  const facts = { driverName: "dev", capacityBytes: 100 * MiB, rangeBytes, ranges: ranges.length };
  return { name, ...facts, where, ...rest };
}

const week: Survey = {
  namespace: "shop",
  layers: [
    aLayer("monday", [[0, 50 * MiB]], { createdAt: "2026-11-16T08:00:00Z" }),
    aLayer("tuesday", [[10 * MiB, 4096]], { since: "monday", createdAt: "2026-11-17T08:00:00Z" }),
    aLayer(
      "wednesday",
      [
        [10 * MiB, 4096],
        [99 * MiB, MiB],
      ],
      { since: "tuesday", createdAt: "2026-11-18T09:30:00Z" },
    ),
  ],
};

describe("density", () => {
  it("tells each piece's share to within two cells, however many ranges come from however far", () => {
    const piece = fc.record({ gap: fc.nat(2 ** 24), size: fc.integer({ min: 1, max: 2 ** 24 }) });
    fc.assert(
      fc.property(fc.array(piece, { minLength: 1, maxLength: 40 }), fc.integer({ min: 1, max: 9 }), (pieces, count) => {
        const where = density();
        const ranges: [number, number][] = [];
        let end = 0;
        for (const { gap, size } of pieces) {
          ranges.push([end + gap, end + gap + size]);
          where.add(end + gap, size);
          end += gap + size;
        }
        const width = end / count;
        const within = (from: number, to: number): number =>
          ranges.reduce((sum, [start, stop]) => sum + Math.max(0, Math.min(to, stop) - Math.max(from, start)), 0);
        const cellBytes = Math.max(512, (2 * end) / 2 ** 16);
        where.shares(count, end).forEach((share, at) => {
          expect(Math.abs(share * width - within(at * width, (at + 1) * width))).toBeLessThanOrEqual(2 * cellBytes);
        });
      }),
    );
  });

  it("is exact where pieces and cells meet", () => {
    const where = density();
    where.add(0, 512);
    where.add(1024, 1536);
    expect(where.shares(5, 2560)).toEqual([1, 0, 1, 1, 1]);
    where.add(2 ** 40, 2 ** 39);
    expect(where.shares(3, 3 * 2 ** 39).map((share) => Math.round(share))).toEqual([0, 0, 1]);
  });

  it("takes a range as long as int64 allows", () => {
    const where = density();
    where.add(0, 2 ** 63);
    expect(where.shares(2, 2 ** 63)).toEqual([1, 1]);
  });
});

it("shades begin at nothing, 1 %, 10 % and 50 %; heat at a quarter each", () => {
  expect([0, 1e-9, 0.0099, 0.01, 0.099, 0.1, 0.49, 0.5, 1].map(shadeOf)).toEqual([0, 1, 1, 2, 2, 3, 3, 4, 4]);
  expect([1, 2, 3, 4, 5].map((times) => heatOf(times, 5))).toEqual([1, 2, 3, 4, 4]);
  expect(timesChanged(week, 10)).toEqual([0, 2, 0, 0, 0, 0, 0, 0, 0, 1]);
  expect(ticksOf(100 * MiB, 4)).toEqual([0, 32 * MiB, 64 * MiB, 96 * MiB]);
});

it.each([
  ["2026-01-01T00:00:00Z", "2026-01-02T02:59:00Z", "1 d 2 h"],
  ["2026-01-01T00:00:00Z", "2026-01-01T01:00:00Z", "1 h"],
  ["2026-01-01T00:00:00Z", "2026-01-01T00:01:11Z", "1 min 11 s"],
  ["2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z", "0 s"],
  ["2026-01-01T00:00:05Z", "2026-01-01T00:00:00Z", "−5 s"],
])("from %s to %s it is %s", (from, to, words) => expect(elapsed(from, to)).toBe(words));

describe("strips", () => {
  it("show each layer over the same scale, and how often each region changed", () => {
    expect(drawStrips(week, 50, plain)).toEqual([
      "shop/monday … wednesday  dev · 100 MiB",
      "",
      "monday     2026-11-16 08:00 UTC     50 MiB allocated (50 %, 1 range)",
      `${"█".repeat(25)}${"·".repeat(25)}`,
      "",
      "tuesday    2026-11-17 08:00 UTC      4 KiB changed since monday (< 0.01 %, 1 range)",
      `·····░${"·".repeat(44)}`,
      "",
      "wednesday  2026-11-18 09:30 UTC      1 MiB changed since tuesday (1.00 %, 2 ranges)",
      `·····░${"·".repeat(43)}█`,
      "",
      "how often  in how many of the 2 deltas each region changed",
      `·····2${"·".repeat(43)}1`,
      "",
      `┬${"─".repeat(31)}┬${"─".repeat(17)}`,
      `0${" ".repeat(31)}64 MiB`,
      "",
      "one cell is 2 MiB, of which covered:",
      "░ below 1 %   ▒ below 10 %   ▓ below 50 %   █ more   · nothing",
    ]);
  });

  it("are coloured on a terminal, and say the same without the colours", () => {
    const coloured = drawStrips(week, 50, styleFor(true, {})).join("\n");
    expect(coloured).toContain("\x1b[38;5;33m█");
    expect(coloured).toContain("\x1b[38;5;208m░");
    // biome-ignore lint/suspicious/noControlCharactersInRegex: what colours begin with
    const bare = coloured.replace(/\x1b\[[\d;]*m/g, "");
    const uncoloured = drawStrips(week, 50, styleFor(true, { NO_COLOR: "1" })).join("\n");
    expect(uncoloured).not.toContain("\x1b");
    expect(bare).toBe(uncoloured);
  });

  it("say when a snapshot is older than the one before it", () => {
    const layers = week.layers.toReversed().map((layer, at) => (at === 0 ? layer : { ...layer, since: "x" }));
    expect(drawStrips({ ...week, layers }, 50, plain).filter((line) => line.startsWith("!"))).toHaveLength(2);
    expect(drawSvg({ ...week, layers })).toContain("older than the snapshot before it");
  });

  it.each([
    ["all of it is a share", 4096, 4096, "(100 %, 1 range)"],
    ["one byte more is past it", 4097, 4096, "(past capacity, 1 range)"],
    ["far past it", 2 ** 40, 4096, "(past capacity, 1 range)"],
    ["past a capacity of nothing", 4096, 0, "(past capacity, 1 range)"],
  ])("say when a row is larger than its volume: %s", (_, size, capacityBytes, words) => {
    const survey = { namespace: "shop", layers: [aLayer("monday", [[0, size]], { capacityBytes })] };
    expect(drawStrips(survey, 40, plain)[2]).toContain(words);
    expect(drawSvg(survey)).toContain(words.slice(1, -1));
    expect(drawSvg(survey)).not.toMatch(/\d{4,} %/);
  });

  it("draw a volume of which nothing is known, and names that are not letters", () => {
    const empty = { namespace: "a\x1b[31m", layers: [aLayer("b\nc", [], { capacityBytes: 0 })] };
    const lines = drawStrips(empty, 40, plain);
    expect(lines.join("")).not.toContain("\x1b");
    expect(lines[0]).toBe("a�[31m/b�c  dev · 0 B");
    expect(lines[3]).toBe("·".repeat(40));
    expect(drawSvg(empty)).not.toMatch(/NaN|Infinity/);
  });
});

describe("the SVG", () => {
  const svg = drawSvg(week);

  it("stands alone: nothing of it runs, and nothing comes from elsewhere", () => {
    expect(svg).not.toMatch(/<script|<image|<foreignObject|href|url\(|@import| on\w+=/i);
    expect(svg.match(/https?:\/\/[^"]*/g)).toEqual(["http://www.w3.org/2000/svg"]);
    expect(svg).toContain("prefers-color-scheme:dark");
  });

  it("tells those who do not see it what it shows", () => {
    expect(svg).toContain('role="img" aria-labelledby="title desc"');
    expect(svg).toContain('<title id="title">shop/monday → wednesday</title>');
    expect(svg).toMatch(/<desc id="desc">A volume of 100 MiB.*tuesday.*: 4 KiB changed since monday .*wednesday/);
  });

  it("draws one run of columns where ranges are neighbours", () => {
    expect(svg.match(/<path class="a4" d="([^"]*)"/)?.[1]).toBe("M212 112h360v36h-360z");
    expect(svg.match(/<path class="c1" d="([^"]*)"/)?.[1]).toBe("M284 180h3v36h-3z");
    expect(svg).toContain("+ 1 d 1 h");
  });

  it("makes names harmless", () => {
    const evil = { namespace: '<script x="', layers: [aLayer("&\u0000</svg>", [])] };
    expect(drawSvg(evil)).not.toContain("<script");
    expect(drawSvg(evil)).not.toContain("\u0000");
    expect(drawSvg(evil).match(/<\/svg>/g)).toHaveLength(1);
    expect(drawSvg(evil)).toContain("&#60;script x=&#34;/&#38;�&#60;/svg&#62;");
  });
});
