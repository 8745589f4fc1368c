/** Bytes `[from, to)` of a file. */
export interface Extent {
  readonly from: number;
  readonly to: number;
}

/**
 * The parts of `[from, to)` that any of the lists touches, in order, without overlap, widened to whole units. `from`
 * and `to` are multiples of `unit`.
 */
export function unionOf(extents: readonly Extent[], unit: number, { from, to }: Extent): Extent[] {
  const union: { from: number; to: number }[] = [];
  for (const each of extents.toSorted((a, b) => a.from - b.from)) {
    if (each.from >= each.to) continue;
    const start = Math.max(from, each.from - (each.from % unit));
    const end = Math.min(to, Math.ceil(each.to / unit) * unit);
    if (start >= end) continue;
    const last = union.at(-1);
    if (last !== undefined && start <= last.to) last.to = Math.max(last.to, end);
    else union.push({ from: start, to: end });
  }
  return union;
}

/** Pieces of at most `size` bytes. */
export function* pieces(extents: readonly Extent[], size: number): Generator<{ at: number; length: number }> {
  for (const { from, to } of extents) {
    for (let at = from; at < to; at += size) yield { at, length: Math.min(size, to - at) };
  }
}
