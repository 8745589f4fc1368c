/** The candidate that differs least from what was typed, if it is near enough to be meant. */
export function nearest(typed: string, candidates: readonly string[]): string | undefined {
  const limit = Math.ceil(typed.length / 3);
  let best: string | undefined;
  let least = limit + 1;
  for (const candidate of candidates) {
    const distance = editDistance(
      typed.toLowerCase().replaceAll("_", "-"),
      candidate.toLowerCase().replaceAll("_", "-"),
    );
    if (distance < least) {
      least = distance;
      best = candidate;
    }
  }
  return best;
}

/** Insertions, deletions and replacements between two words (Levenshtein). */
function editDistance(from: string, to: string): number {
  // Typed text comes from outside: beyond any flag's length the work grows and the answer does not matter.
  if (from.length > 100) return from.length;
  let above = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (let row = 1; row <= from.length; row++) {
    const line = [row];
    for (let column = 1; column <= to.length; column++) {
      const replaced = (above[column - 1] as number) + (from[row - 1] === to[column - 1] ? 0 : 1);
      line.push(Math.min(replaced, (above[column] as number) + 1, (line[column - 1] as number) + 1));
    }
    above = line;
  }
  return above[to.length] as number;
}
