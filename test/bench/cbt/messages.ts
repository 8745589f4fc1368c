/** Encoded metadata messages, made by hand: a codec would take longer to make them than all the rest to pass them on. */

const blockBytes = 4096;
const firstOffset = 2 ** 30;
const fixedLength = 1;

/** All messages of one snapshot: this many changed blocks, ascending, with a gap after each. */
export function encodeMessages(tuples: number, perMessage: number): Buffer[] {
  const capacity = firstOffset + tuples * 2 * blockBytes;
  const messages: Buffer[] = [];
  const room = Buffer.alloc(32 + perMessage * 24);
  for (let first = 0; first < tuples; first += perMessage) {
    let at = number(room, number(room, 0, 0x08, fixedLength), 0x10, capacity);
    for (let tuple = first; tuple < Math.min(first + perMessage, tuples); tuple += 1) {
      room[at] = 0x1a;
      const end = number(room, number(room, at + 2, 0x08, firstOffset + tuple * 2 * blockBytes), 0x10, blockBytes);
      room[at + 1] = end - at - 2;
      at = end;
    }
    messages.push(Buffer.from(room.subarray(0, at)));
  }
  return messages;
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
