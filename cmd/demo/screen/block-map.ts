import { density } from "../../../pkg/cli/cbt/map/density.ts";
import type { Style } from "../../../pkg/cli/screen/style.ts";

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
  const data = shares(allocated, volumeBytes);
  const changes = shares(changed, volumeBytes);
  const cell = (index: number): string => {
    const change = changes[index] ?? 0;
    if (change > 0) return style.yellow(shades[Math.min(3, Math.floor(change * 4))] ?? "█");
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

function shares(ranges: readonly Range[], volumeBytes: number): number[] {
  const where = density();
  for (const { offset, size } of ranges) where.add(offset, size);
  return where.shares(columns * rows, volumeBytes);
}
