/** Where on a volume bytes lie, kept in a bounded number of cells however many ranges come. */
export interface Density {
  /** Adds a range, in bytes; ranges of one density do not overlap. */
  add(byteOffset: number, sizeBytes: number): void;
  /** Share of each of `count` equal pieces of the first `spanBytes` that is covered, from 0 to 1. */
  shares(count: number, spanBytes: number): number[];
}

/** A power of two, so that two cells merge into one when the volume turns out to be larger. */
const cellCount = 2 ** 16;

const smallestCellBytes = 512;

/** Starts with the finest cells and makes them coarser as ranges come from further behind. */
export function density(): Density {
  const cells = new Float64Array(cellCount);
  let cellBytes = smallestCellBytes;
  const coarsen = (): void => {
    for (let at = 0; at < cellCount / 2; at += 1) cells[at] = (cells[2 * at] ?? 0) + (cells[2 * at + 1] ?? 0);
    cells.fill(0, cellCount / 2);
    cellBytes *= 2;
  };
  return {
    add: (byteOffset, sizeBytes) => {
      const end = byteOffset + sizeBytes;
      while (end > cellBytes * cellCount) coarsen();
      for (let at = byteOffset; at < end; ) {
        const cell = Math.floor(at / cellBytes);
        const next = Math.min(end, (cell + 1) * cellBytes);
        cells[cell] = (cells[cell] ?? 0) + next - at;
        at = next;
      }
    },
    shares: (count, spanBytes) => {
      const pieceBytes = spanBytes / count;
      return Array.from({ length: count }, (_, piece) => {
        const covered = coveredBytes(cells, cellBytes, piece * pieceBytes, (piece + 1) * pieceBytes);
        return Math.min(1, covered / pieceBytes);
      });
    },
  };
}

/** What lies in [from, to), as if the bytes of a cell were spread evenly over it. */
function coveredBytes(cells: Float64Array, cellBytes: number, from: number, to: number): number {
  let sum = 0;
  for (let cell = Math.floor(from / cellBytes); cell < cells.length && cell * cellBytes < to; cell += 1) {
    const overlap = Math.min(to, (cell + 1) * cellBytes) - Math.max(from, cell * cellBytes);
    sum += ((cells[cell] ?? 0) * overlap) / cellBytes;
  }
  return sum;
}
