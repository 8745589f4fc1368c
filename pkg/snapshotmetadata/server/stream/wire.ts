/**
 * Reads protobuf in place, without objects: each function returns where it left off, or {@link malformed}, and leaves
 * what it read in {@link read}. Accepts and refuses what the generated codec does, which is more than the format allows:
 * overlong varints, a part that ends elsewhere than its length says.
 */

/** Returned in place of a position by what can not be read. */
export const malformed = -1;

/** What was read last: the halves of an int64, or in `lo` an uint32. One for all, since nothing yields in between. */
export const read = { lo: 0, hi: 0 };

/** The tuple that was read last, as halves of its two numbers. */
export const tuple = { offsetLo: 0, offsetHi: 0, sizeLo: 0, sizeHi: 0 };

/** Groups within groups that the codec follows. */
const deepestGroup = 100;

/** The int64 of two halves. */
export const exact = (hi: number, lo: number): bigint => (BigInt(hi) << 32n) | BigInt(lo >>> 0);

/** A tag, a length or an int32: up to ten bytes, of which the upper bits are dropped. */
export function readUint32(bytes: Uint8Array, start: number, end: number): number {
  let pos = start;
  let value = 0;
  for (let shift = 0; shift < 70; shift += 7) {
    if (pos >= end) return malformed;
    const byte = bytes[pos++] as number;
    if (shift < 32) value |= (byte & 0x7f) << shift;
    if (byte < 0x80) {
      read.lo = value >>> 0;
      return pos;
    }
  }
  return malformed;
}

/** An int64: up to ten bytes, of which the upper bits are dropped. */
export function readInt64(bytes: Uint8Array, start: number, end: number): number {
  let pos = start;
  let lo = 0;
  let hi = 0;
  for (let shift = 0; shift < 70; shift += 7) {
    if (pos >= end) return malformed;
    const byte = bytes[pos++] as number;
    const bits = byte & 0x7f;
    if (shift < 32) lo |= bits << shift;
    if (shift === 28) hi = bits >> 4;
    else if (shift > 28) hi |= bits << (shift - 32);
    if (byte < 0x80) {
      read.lo = lo;
      read.hi = hi;
      return pos;
    }
  }
  return malformed;
}

/** Passes over the value of a field that nobody asked for. */
export function skipField(bytes: Uint8Array, start: number, end: number, wireType: number): number {
  return skip(bytes, start, end, { wireType, field: undefined, deepest: deepestGroup });
}

interface Skipped {
  readonly wireType: number;
  /** Number of the field, which the end of a group must repeat; the codec does not look at the outermost one. */
  readonly field: number | undefined;
  readonly deepest: number;
}

function skip(bytes: Uint8Array, start: number, end: number, { wireType, field, deepest }: Skipped): number {
  switch (wireType) {
    case 0: {
      let pos = start;
      while (pos < end && (bytes[pos] as number) >= 0x80) pos += 1;
      return within(pos + 1, end);
    }
    case 1:
      return within(start + 8, end);
    case 2: {
      const pos = readUint32(bytes, start, end);
      return pos === malformed ? malformed : within(pos + read.lo, end);
    }
    case 3:
      return deepest <= 0 ? malformed : skipGroup(bytes, start, end, { wireType, field, deepest });
    case 5:
      return within(start + 4, end);
    default:
      return malformed;
  }
}

const within = (pos: number, end: number): number => (pos > end ? malformed : pos);

function skipGroup(bytes: Uint8Array, start: number, end: number, { field, deepest }: Skipped): number {
  let pos = start;
  for (;;) {
    const next = readUint32(bytes, pos, end);
    // Inside a group, tags must fit into 32 bits.
    if (next === malformed || next - pos > 5 || (next - pos === 5 && (bytes[next - 1] as number) > 0x0f))
      return malformed;
    pos = next;
    const number = read.lo >>> 3;
    const wireType = read.lo & 7;
    if (number === 0 || wireType > 5) return malformed;
    if (wireType === 4) return field !== undefined && number !== field ? malformed : pos;
    pos = skip(bytes, pos, end, { wireType, field: number, deepest: deepest - 1 });
    if (pos === malformed) return malformed;
  }
}

/** A BlockMetadata with its length before it, into {@link tuple}. May end elsewhere than the length says. */
export function readTuple(bytes: Uint8Array, start: number, end: number): number {
  let pos = readUint32(bytes, start, end);
  if (pos === malformed) return malformed;
  const stop = pos + read.lo;
  tuple.offsetLo = tuple.offsetHi = tuple.sizeLo = tuple.sizeHi = 0;
  while (pos < stop) {
    pos = readUint32(bytes, pos, end);
    if (pos === malformed) return malformed;
    const tag = read.lo;
    if (tag === 8) {
      pos = readInt64(bytes, pos, end);
      tuple.offsetLo = read.lo;
      tuple.offsetHi = read.hi;
    } else if (tag === 16) {
      pos = readInt64(bytes, pos, end);
      tuple.sizeLo = read.lo;
      tuple.sizeHi = read.hi;
    } else if (tag === 0 || (tag & 7) === 4) {
      return pos;
    } else {
      pos = skipField(bytes, pos, end, tag & 7);
    }
    if (pos === malformed) return malformed;
  }
  return pos;
}
