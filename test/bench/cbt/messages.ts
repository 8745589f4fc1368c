/** Encoded metadata messages, made by hand: a codec would take longer to make them than all the rest to pass them on. */

const blockBytes = 4096;
const firstOffset = 2 ** 30;
const fixedLength = 1;

/** gRPC's prefix: a flag, and the length. */
const prefixBytes = 5;

/** How much is handed to the transport at once: so much that handing it over costs nothing. */
const pieceBytes = 256 * 1024;

/** What a snapshot is on the wire: messages with their prefixes, one after the other, in large pieces. */
export interface Encoded {
  readonly pieces: readonly Buffer[];
  readonly messages: number;
  readonly bytes: number;
}

/** All messages of one snapshot: this many changed blocks, ascending, with a gap after each. */
export function encodeMessages(tuples: number, perMessage: number): Encoded {
  const capacity = firstOffset + tuples * 2 * blockBytes;
  const pieces: Buffer[] = [];
  const longest = 32 + perMessage * 24;
  const piece = Buffer.allocUnsafeSlow(pieceBytes + longest);
  let filled = 0;
  let messages = 0;
  let bytes = 0;
  const cut = (): void => {
    pieces.push(Buffer.from(piece.subarray(0, filled)));
    bytes += filled;
    filled = 0;
  };
  for (let first = 0; first < tuples; first += perMessage) {
    const begin = filled + prefixBytes;
    let at = number(piece, number(piece, begin, 0x08, fixedLength), 0x10, capacity);
    for (let tuple = first; tuple < Math.min(first + perMessage, tuples); tuple += 1) {
      piece[at] = 0x1a;
      const end = number(piece, number(piece, at + 2, 0x08, firstOffset + tuple * 2 * blockBytes), 0x10, blockBytes);
      piece[at + 1] = end - at - 2;
      at = end;
    }
    piece[filled] = 0;
    piece.writeUInt32BE(at - begin, filled + 1);
    filled = at;
    messages += 1;
    if (filled >= pieceBytes) cut();
  }
  if (filled > 0) cut();
  return { pieces, messages, bytes };
}

/** Writes a tag and a varint, and returns where they end. */
function number(room: Buffer, start: number, tag: number, value: number): number {
  let at = start;
  let rest = value;
  room[at++] = tag;
  while (rest >= 128) {
    room[at++] = (rest % 128) | 128;
    rest = Math.floor(rest / 128);
  }
  room[at++] = rest;
  return at;
}
