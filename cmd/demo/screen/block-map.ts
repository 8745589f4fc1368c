import type { Style } from "./style.ts";

/** A run of bytes of the volume. */
export interface Range {
  readonly offset: number;
  readonly size: number;
}

const columns = 64;
const rows = 4;
const shades = [..."░▒▓█"];

/**
 * The volume as a field of cells, each a piece of equal size: where data lies and, louder, where it changed. The
 * densest shade is a cell that changed altogether; the slightest change shows.
 */
export function blockMap(
  volumeBytes: number,
  allocated: readonly Range[],
  changed: readonly Range[],
  style: Style,
): string[] {
  const cellBytes = volumeBytes / (columns * rows);
  const data = fill(allocated, cellBytes);
  const changes = fill(changed, cellBytes);
  const cell = (index: number): string => {
    const change = changes[index] ?? 0;
    if (change > 0) return style.yellow(shades[Math.min(3, Math.floor((change / cellBytes) * 4))] ?? "█");
    return style.dim((data[index] ?? 0) > 0 ? "▪" : "·");
  };
  return Array.from({ length: rows }, (_, row) =>
    Array.from({ length: columns }, (__, column) => cell(row * columns + column)).join(""),
  );
}

/** How to read the map. */
export function mapLegend(volumeBytes: number, hasChanges: boolean, style: Style): string {
  const cellMiB = volumeBytes / (columns * rows) / 2 ** 20;
  const marks = hasChanges ? `${style.yellow("░▒▓█")} changed   ` : "";
  return `${marks}${style.dim("▪")} data   ${style.dim("·")} never written   (one cell = ${cellMiB} MiB)`;
}

function fill(ranges: readonly Range[], cellBytes: number): number[] {
  const cells = new Array<number>(columns * rows).fill(0);
  for (const { offset, size } of ranges) {
    for (let at = offset; at < offset + size; ) {
      const index = Math.floor(at / cellBytes);
      const next = Math.min(offset + size, (index + 1) * cellBytes);
      cells[index] = (cells[index] ?? 0) + next - at;
      at = next;
    }
  }
  return cells;
}
