import { Failure } from "../../runtime/errors/index.ts";

/** A piece of a device, in bytes; never longer than `chunkBytes`. */
export interface Chunk {
  readonly position: number;
  readonly length: number;
}

/** Most bytes read or written at once. */
export const chunkBytes = 2 ** 20;

interface Range {
  readonly byteOffset: bigint;
  readonly sizeBytes: bigint;
}

/**
 * Joins neighbouring ranges and cuts long ones, so that a device is read in large pieces whatever the driver's block
 * size. `limit` in bytes: what lies beyond is left out (the last block of a volume may reach over its end).
 */
export async function* chunksOf(ranges: AsyncIterable<Range>, limit: () => number): AsyncGenerator<Chunk, void> {
  let start = 0;
  let end = 0;
  for await (const { byteOffset, sizeBytes } of ranges) {
    const from = safe(byteOffset);
    const to = Math.min(safe(byteOffset + sizeBytes), limit());
    if (from === end) {
      end = to;
    } else {
      yield* cut(start, end);
      start = from;
      end = to;
    }
    while (end - start >= chunkBytes) {
      yield { position: start, length: chunkBytes };
      start += chunkBytes;
    }
  }
  yield* cut(start, end);
}

/** The chunks of [start, end). */
export function* cut(start: number, end: number): Generator<Chunk, void> {
  for (let position = start; position < end; position += chunkBytes) {
    yield { position, length: Math.min(chunkBytes, end - position) };
  }
}

/** A byte position of the wire as a file position. Throws a Failure beyond 2^53 (8 PiB). */
export function safe(bytes: bigint): number {
  if (bytes <= BigInt(Number.MAX_SAFE_INTEGER)) return Number(bytes);
  throw new Failure("terminal", "VolumeTooLarge", `byte ${bytes} lies beyond what a file position can hold here`);
}
