/** Blocks `[start, end)`, counted in blocks from the beginning of the volume. */
export interface Run {
  readonly start: number;
  readonly end: number;
}

/** The runs of consecutive blocks for which `holds` is true, in `[0, count)`, moved up by `first`. */
export function runsWhere(count: number, first: number, holds: (block: number) => boolean): Run[] {
  const runs: Run[] = [];
  let start = -1;
  for (let block = 0; block < count; block++) {
    if (holds(block)) {
      if (start < 0) start = block;
    } else if (start >= 0) {
      runs.push({ start: first + start, end: first + block });
      start = -1;
    }
  }
  if (start >= 0) runs.push({ start: first + start, end: first + count });
  return runs;
}
