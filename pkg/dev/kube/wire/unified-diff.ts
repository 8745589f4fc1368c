/** Where two sequences are equal: `size` lines from `a` in the one and from `b` in the other. */
interface Block {
  readonly a: number;
  readonly b: number;
  readonly size: number;
}

const context = 3;

/**
 * A unified diff of two texts with three lines of context, as the API server quotes it in refusals: without file
 * names, and every line ended, the last one too. Empty when the texts are equal.
 */
export function unifiedDiff(before: string, after: string): string {
  const a = before.split("\n");
  const b = after.split("\n");
  const blocks = [...matches(a, b, 0, a.length, 0, b.length), { a: a.length, b: b.length, size: 0 }];
  return hunks(blocks)
    .map((hunk) => printed(hunk, a, b))
    .join("");
}

/** The equal stretches, found as difflib does: the longest first, then left and right of it. */
function matches(
  a: readonly string[],
  b: readonly string[],
  aLow: number,
  aHigh: number,
  bLow: number,
  bHigh: number,
): Block[] {
  const best = longest(a, b, aLow, aHigh, bLow, bHigh);
  if (best.size === 0) return [];
  return [
    ...matches(a, b, aLow, best.a, bLow, best.b),
    best,
    ...matches(a, b, best.a + best.size, aHigh, best.b + best.size, bHigh),
  ];
}

function longest(
  a: readonly string[],
  b: readonly string[],
  aLow: number,
  aHigh: number,
  bLow: number,
  bHigh: number,
): Block {
  let best: Block = { a: aLow, b: bLow, size: 0 };
  let lengths = new Map<number, number>();
  for (let i = aLow; i < aHigh; i++) {
    const next = new Map<number, number>();
    for (let j = bLow; j < bHigh; j++) {
      if (a[i] !== b[j]) continue;
      const size = (lengths.get(j - 1) ?? 0) + 1;
      next.set(j, size);
      if (size > best.size) best = { a: i - size + 1, b: j - size + 1, size };
    }
    lengths = next;
  }
  return best;
}

interface Line {
  readonly mark: " " | "-" | "+";
  readonly a: number;
  readonly b: number;
}

/** All lines in order, cut into hunks where more than twice the context is equal. */
function hunks(blocks: readonly Block[]): Line[][] {
  const lines: Line[] = [];
  let a = 0;
  let b = 0;
  for (const block of blocks) {
    while (a < block.a) lines.push({ mark: "-", a: a++, b });
    while (b < block.b) lines.push({ mark: "+", a, b: b++ });
    for (let i = 0; i < block.size; i++) lines.push({ mark: " ", a: a++, b: b++ });
  }
  const near = lines.map((_, at) =>
    lines.slice(Math.max(0, at - context), at + context + 1).some(({ mark }) => mark !== " "),
  );
  const found: Line[][] = [];
  for (const [at, line] of lines.entries()) {
    if (!near[at]) continue;
    if (at === 0 || !near[at - 1]) found.push([]);
    found.at(-1)?.push(line);
  }
  return found;
}

function printed(hunk: readonly Line[], a: readonly string[], b: readonly string[]): string {
  const range = (start: number, length: number): string =>
    length === 1 ? `${start + 1}` : `${length === 0 ? start : start + 1},${length}`;
  const first = hunk[0] ?? { a: 0, b: 0 };
  const olds = hunk.filter(({ mark }) => mark !== "+").length;
  const news = hunk.filter(({ mark }) => mark !== "-").length;
  const body = hunk.map((line) => `${line.mark}${line.mark === "+" ? b[line.b] : a[line.a]}\n`);
  return `@@ -${range(first.a, olds)} +${range(first.b, news)} @@\n${body.join("")}`;
}
