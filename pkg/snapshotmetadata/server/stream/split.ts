import { BinaryWriter } from "@bufbuild/protobuf/wire";
import { prefixBytes } from "./frames.ts";
import { exact, malformed, read, readInt64, readTuple, readUint32, skipField } from "./wire.ts";

/**
 * Splits an encoded Get…Response into several of at most so many bytes, each with gRPC's prefix: between two tuples (or
 * unknown fields, which are kept), type and capacity repeated in each. Undefined where that can not be done: for a message
 * that is malformed, or has a field that does not fit by itself.
 */
export function splitMessage(bytes: Buffer, start: number, end: number, maxBytes: number): Buffer[] | undefined {
  const head = readHead(bytes, start, end);
  if (head === undefined) return undefined;
  const parts: Buffer[] = [];
  let ranges: Buffer[] = [];
  let size = head.length;
  const cut = (): void => {
    const prefix = Buffer.alloc(prefixBytes);
    prefix.writeUInt32BE(size, 1);
    parts.push(Buffer.concat([prefix, head, ...ranges]));
    ranges = [];
    size = head.length;
  };
  let from = start;
  const keepTo = (to: number): void => {
    if (to > from) ranges.push(bytes.subarray(from, to));
    from = to;
  };
  for (let pos = start; pos < end; ) {
    const next = fieldEnd(bytes, pos, end);
    const inHead = read.lo === 8 || read.lo === 16;
    if (inHead) {
      keepTo(pos);
      from = next;
    } else {
      if (next - pos > maxBytes - head.length) return undefined;
      if (size + next - pos > maxBytes) {
        keepTo(pos);
        cut();
      }
      size += next - pos;
    }
    pos = next;
  }
  keepTo(end);
  cut();
  return parts;
}

/** Type and capacity, as they are when all has been read; undefined for a malformed message. */
function readHead(bytes: Buffer, start: number, end: number): Uint8Array | undefined {
  let type = 0;
  let capacity = 0n;
  for (let pos = start; pos < end; ) {
    const valuePos = readUint32(bytes, pos, end);
    const next = fieldEnd(bytes, pos, end);
    if (next === malformed) return undefined;
    const tag = read.lo;
    if (tag === 8) {
      readUint32(bytes, valuePos, end);
      type = read.lo | 0;
    } else if (tag === 16) {
      readInt64(bytes, valuePos, end);
      capacity = exact(read.hi, read.lo);
    }
    pos = next;
  }
  return new BinaryWriter().uint32(8).int32(type).uint32(16).int64(capacity).finish();
}

/** Where a field ends, with its tag in `read.lo`. A field that the codec would stop at is malformed here. */
function fieldEnd(bytes: Buffer, start: number, end: number): number {
  const pos = readUint32(bytes, start, end);
  if (pos === malformed) return malformed;
  const tag = read.lo;
  const next = valueEnd(bytes, pos, end, tag);
  read.lo = tag;
  return next;
}

function valueEnd(bytes: Buffer, pos: number, end: number, tag: number): number {
  if (tag === 8 || tag === 16) return readInt64(bytes, pos, end);
  if (tag === 26) return readTuple(bytes, pos, end);
  if (tag === 0 || (tag & 7) === 4) return malformed;
  return skipField(bytes, pos, end, tag & 7);
}
