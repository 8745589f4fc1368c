import type { BufferPool } from "./buffer-pool.ts";

/** Bytes of gRPC's prefix: a flag that says whether the message is compressed, and its length. */
export const prefixBytes = 5;

/** Size of a buffer unless a message needs a larger one: many small messages, written at once. */
const usualBytes = 64 * 1024;

/** A message's length is believed up to here; beyond, room is made as its bytes arrive. */
const believedBytes = 1024 * 1024;

/** What a {@link frameReader} tells while it takes or flushes. */
export interface FrameEvents {
  /** A prefix has been read. Throw to refuse the message before it is there. */
  onPrefix(compressed: boolean, sizeBytes: number): void;
  /** A message is there, between these positions. What is returned is passed on instead of it, prefixes and all. */
  onMessage(buffer: Buffer, start: number, end: number): Buffer[] | undefined;
  /** Whole messages in one piece: the beginning of a buffer that the reader does not touch again. */
  onRun(buffer: Buffer, end: number): void;
}

/** Puts messages together from pieces that are cut anywhere. */
export interface FrameReader {
  /** Takes a copy of a piece. Throws what an event throws; `flush` then passes on what came before. */
  take(piece: Buffer): void;
  /** Passes on the whole messages that are waiting. */
  flush(): void;
  /** Passes on the whole messages that are waiting, unless they are not wanted. The last call of all. */
  finish(wanted: boolean): void;
  /** Bytes of a message that is not complete. */
  readonly rest: number;
}

/**
 * Copies pieces into buffers in which messages lie one after the other, so that they can be looked at in place and passed
 * on many at a time: a copy costs less than a write for each piece (docs/adr/0004).
 */
export function frameReader(pool: BufferPool, { onPrefix, onMessage, onRun }: FrameEvents): FrameReader {
  let buffer = pool.take(usualBytes);
  let filled = 0;
  // Where the message begins that is not complete yet, and where it will end; zero while its prefix is not known.
  let begin = 0;
  let end = 0;

  /** Goes on in another buffer with what is not complete, and passes on what is. */
  const move = (roomBytes: number, keepFrom = begin): void => {
    const full = buffer;
    buffer = pool.take(roomBytes);
    full.copy(buffer, 0, keepFrom, filled);
    filled -= keepFrom;
    if (end > 0) end -= keepFrom;
    if (begin > 0) onRun(full, begin);
    else pool.giveBack(full);
    begin = 0;
  };
  const roomNeeded = (): number => {
    if (end === 0) return usualBytes;
    return Math.max(usualBytes, Math.min(end - begin, Math.max(believedBytes, 2 * (filled - begin))));
  };
  const readPrefix = (): void => {
    const sizeBytes = buffer.readUInt32BE(begin + 1);
    onPrefix(buffer[begin] !== 0, sizeBytes);
    end = begin + prefixBytes + sizeBytes;
    if (end > buffer.length) move(roomNeeded());
  };
  const passMessage = (): void => {
    const instead = onMessage(buffer, begin + prefixBytes, end);
    const next = end;
    end = 0;
    if (instead === undefined) {
      begin = next;
      return;
    }
    move(usualBytes + filled - next, next);
    for (const each of instead) onRun(each, each.length);
  };
  return {
    take: (piece) => {
      for (let taken = 0; taken < piece.length; ) {
        if (filled === buffer.length) move(roomNeeded());
        const count = piece.copy(buffer, filled, taken);
        taken += count;
        filled += count;
        while (filled - begin >= prefixBytes) {
          if (end === 0) readPrefix();
          if (filled < end) break;
          passMessage();
        }
      }
    },
    flush: () => {
      if (begin > 0) move(roomNeeded());
    },
    finish: (wanted) => {
      if (wanted && begin > 0) onRun(buffer, begin);
      else pool.giveBack(buffer);
    },
    get rest() {
      return filled - begin;
    },
  };
}
