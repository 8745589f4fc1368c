/** What {@link passRun} left behind: where the run ended, and what is known of its tuples. */
export const run = {
  tuples: 0,
  /** End of the last tuple. */
  last: 0,
  /** Which tuple of the run was the first of another size than asked for, from zero, or -1; and where it is. */
  otherAt: -1,
  otherPos: 0,
};

/**
 * Passes over tuples as every encoder writes them that ascend from `last`, do not overlap and are not empty, and returns
 * where the first thing of another kind begins. All numbers stay below 2^49, so that doubles and their sums are exact.
 *
 * This is the loop that all bytes go through. It is spelled out, twice the same, because a function that reads one
 * number must leave behind two results, which costs three times as much (docs/adr/0004).
 */
export function passRun(bytes: Uint8Array, start: number, end: number, from: number, usualSize: number): number {
  let pos = start;
  let last = from;
  let tuples = 0;
  let otherAt = -1;
  let otherPos = 0;
  // The two bytes that tell tag and length, and a tuple of at most 16 more.
  while (pos + 1 < end && bytes[pos] === 0x1a) {
    const stop = pos + 2 + (bytes[pos + 1] as number);
    if (stop > end) break;
    let at = pos + 2;
    let offset = 0;
    if (bytes[at] === 0x08) {
      let byte = bytes[at + 1] as number;
      at += 2;
      offset = byte & 0x7f;
      if (byte >= 0x80) {
        byte = bytes[at++] as number;
        offset |= (byte & 0x7f) << 7;
        if (byte >= 0x80) {
          byte = bytes[at++] as number;
          offset |= (byte & 0x7f) << 14;
          if (byte >= 0x80) {
            byte = bytes[at++] as number;
            offset |= (byte & 0x7f) << 21;
            if (byte >= 0x80) {
              byte = bytes[at++] as number;
              let high = byte & 0x7f;
              if (byte >= 0x80) {
                byte = bytes[at++] as number;
                high |= (byte & 0x7f) << 7;
                if (byte >= 0x80) {
                  byte = bytes[at++] as number;
                  high |= (byte & 0x7f) << 14;
                  if (byte >= 0x80) break;
                }
              }
              offset += high * 0x1000_0000;
            }
          }
        }
      }
    }
    if (bytes[at] !== 0x10) break;
    let byte = bytes[at + 1] as number;
    at += 2;
    let size = byte & 0x7f;
    if (byte >= 0x80) {
      byte = bytes[at++] as number;
      size |= (byte & 0x7f) << 7;
      if (byte >= 0x80) {
        byte = bytes[at++] as number;
        size |= (byte & 0x7f) << 14;
        if (byte >= 0x80) {
          byte = bytes[at++] as number;
          size |= (byte & 0x7f) << 21;
          if (byte >= 0x80) {
            byte = bytes[at++] as number;
            let high = byte & 0x7f;
            if (byte >= 0x80) {
              byte = bytes[at++] as number;
              high |= (byte & 0x7f) << 7;
              if (byte >= 0x80) {
                byte = bytes[at++] as number;
                high |= (byte & 0x7f) << 14;
                if (byte >= 0x80) break;
              }
            }
            size += high * 0x1000_0000;
          }
        }
      }
    }
    // A length of 128 and more has a second byte; a tuple of this kind is shorter, and so is never taken for it.
    if (at !== stop || size === 0 || offset < last) break;
    if (size !== usualSize && otherAt === -1) {
      otherAt = tuples;
      otherPos = pos + 1;
    }
    last = offset + size;
    tuples += 1;
    pos = stop;
  }
  run.tuples = tuples;
  run.last = last;
  run.otherAt = otherAt;
  run.otherPos = otherPos;
  return pos;
}
