import { passRun, run } from "./tuple-run.ts";
import { exact, malformed, read, readInt64, readTuple, readUint32, skipField, tuple } from "./wire.ts";

/** The rules of a stream, in the order in which they are judged: those of a message, then those of its tuples. */
export const streamRules = [
  "malformed",
  "block_metadata_type",
  "volume_capacity_bytes",
  "max_results",
  "size_bytes",
  "byte_offset",
  "starting_offset",
  "order",
  "fixed_length",
] as const;

export type StreamRule = (typeof streamRules)[number];

/** A message that breaks a rule of the stream. */
export interface Violation {
  readonly rule: StreamRule;
  /** `byte_offset` of the tuple that breaks it; for a rule of the whole message the end of the last tuple before it. */
  readonly offset: bigint;
  /** What was found and what is expected, in the words of the protocol. */
  readonly details: string;
}

/** What the caller asked for; the driver's stream is held to it. */
export interface Asked {
  readonly startingOffset: bigint;
  readonly maxResults: number;
}

/** Judges the messages of one stream, one after the other. */
export interface StreamScanner {
  /**
   * Judges one encoded Get…Response between two positions. Tells the first rule that it breaks: of the message, or of the
   * first tuple that breaks one. The message counts as sent even so, but for a malformed one.
   */
  scan(bytes: Uint8Array, start: number, end: number): Violation | undefined;
  /** Whether the last tuple of the message judged last ends past the volume's capacity: a warning, no violation. */
  readonly pastCapacity: boolean;
  /** Tuples so far. */
  readonly tuples: number;
}

const fixedLength = 1;

/** What is known of the stream before a message. */
interface Known {
  readonly messages: number;
  readonly tuples: number;
  readonly type: number;
  readonly capacity: bigint;
  /** End of the last tuple; zero before the first. */
  readonly last: bigint;
  /** Size of the first tuple; zero before it. */
  readonly usualSize: bigint;
}

/** A message that was read, and the first of its tuples that broke a rule or had another size. */
interface Message extends Omit<Known, "messages"> {
  readonly broken: { readonly at: number; readonly violation: Violation } | undefined;
  /** Which tuple had another size than the first of the stream, from zero, or -1; and where its length begins. */
  readonly otherAt: number;
  readonly otherPos: number;
}

/** A scanner at the beginning of a stream. */
export function scanStream(asked: Asked): StreamScanner {
  let known: Known = { messages: 0, tuples: 0, type: 0, capacity: 0n, last: 0n, usualSize: 0n };
  let pastCapacity = false;
  return {
    scan: (bytes, start, end) => {
      pastCapacity = false;
      const message = readMessage(known, asked, bytes, start, end);
      if (message === undefined) {
        return { rule: "malformed", offset: known.last, details: "the message can not be decoded to its end" };
      }
      const violation = judgeMessage(known, asked, message) ?? judgeTuples(message, bytes, end);
      const { type, capacity } = known.messages === 0 ? message : known;
      pastCapacity = message.tuples > 0 && message.last > message.capacity;
      const { last, usualSize } = message;
      known = {
        messages: known.messages + 1,
        tuples: known.tuples + message.tuples,
        type,
        capacity,
        last,
        usualSize,
      };
      return violation;
    },
    get pastCapacity() {
      return pastCapacity;
    },
    get tuples() {
      return known.tuples;
    },
  };
}

/** Walks over the message once; undefined for one that is malformed. */
function readMessage(known: Known, asked: Asked, bytes: Uint8Array, start: number, end: number): Message | undefined {
  let pos = start;
  let type = 0;
  let capacity = 0n;
  let { last, usualSize } = known;
  let tuples = 0;
  let broken: Message["broken"];
  let otherAt = -1;
  let otherPos = 0;
  while (pos < end) {
    if (known.tuples + tuples > 0) {
      pos = passRun(bytes, pos, end, Number(last), Number(usualSize));
      if (run.tuples > 0) {
        last = BigInt(run.last);
        if (otherAt === -1 && run.otherAt !== -1) {
          otherAt = tuples + run.otherAt;
          otherPos = run.otherPos;
        }
        tuples += run.tuples;
        continue;
      }
    }
    pos = readUint32(bytes, pos, end);
    if (pos === malformed) return undefined;
    const tag = read.lo;
    if (tag === 8) {
      pos = readUint32(bytes, pos, end);
      type = read.lo | 0;
    } else if (tag === 16) {
      pos = readInt64(bytes, pos, end);
      capacity = exact(read.hi, read.lo);
    } else if (tag === 26) {
      const tuplePos = pos;
      pos = readTuple(bytes, pos, end);
      if (pos === malformed) return undefined;
      const { offset, size } = tupleRead();
      const isFirst = known.tuples + tuples === 0;
      if (broken === undefined) {
        const violation = judgeTuple(offset, size, isFirst ? asked.startingOffset : undefined, last);
        if (violation !== undefined) broken = { at: tuples, violation };
      }
      if (isFirst) usualSize = size;
      if (otherAt === -1 && size !== usualSize) {
        otherAt = tuples;
        otherPos = tuplePos;
      }
      last = offset + size;
      tuples += 1;
    } else if (tag === 0 || (tag & 7) === 4) {
      // Here the codec stops, and would not see what follows.
      if (pos < end) return undefined;
    } else {
      pos = skipField(bytes, pos, end, tag & 7);
    }
    if (pos === malformed) return undefined;
  }
  return { type, capacity, last, usualSize, tuples, broken, otherAt, otherPos };
}

function tupleRead(): { readonly offset: bigint; readonly size: bigint } {
  return { offset: exact(tuple.offsetHi, tuple.offsetLo), size: exact(tuple.sizeHi, tuple.sizeLo) };
}

/** The rules of a tuple but for the fixed length, which depends on a type that may come after it. */
function judgeTuple(
  offset: bigint,
  size: bigint,
  /** Set for the first tuple of the stream. */
  startingOffset: bigint | undefined,
  last: bigint,
): Violation | undefined {
  if (size <= 0n) return { rule: "size_bytes", offset, details: `size_bytes is ${size}; expected more than 0` };
  if (offset < 0n) return { rule: "byte_offset", offset, details: "byte_offset is negative" };
  if (startingOffset !== undefined) {
    if (offset + size > startingOffset) return undefined;
    const details = `the first tuple ends at ${offset + size}; expected an end after starting_offset ${startingOffset}`;
    return { rule: "starting_offset", offset, details };
  }
  if (offset >= last) return undefined;
  const details = `the tuple before it ends at ${last}; expected tuples that ascend and do not overlap`;
  return { rule: "order", offset, details };
}

function judgeMessage(known: Known, { maxResults }: Asked, message: Message): Violation | undefined {
  const offset = known.last;
  if (known.messages > 0 && message.type !== known.type) {
    const details = `block_metadata_type is ${message.type} after ${known.type}; expected the same in all messages`;
    return { rule: "block_metadata_type", offset, details };
  }
  if (known.messages > 0 && message.capacity !== known.capacity) {
    const details = `volume_capacity_bytes is ${message.capacity} after ${known.capacity}; expected the same in all messages`;
    return { rule: "volume_capacity_bytes", offset, details };
  }
  if (maxResults > 0 && message.tuples > maxResults) {
    const details = `the message has ${message.tuples} tuples; max_results is ${maxResults}`;
    return { rule: "max_results", offset, details };
  }
  return undefined;
}

/** The first tuple that breaks a rule, the fixed length included. */
function judgeTuples(message: Message, bytes: Uint8Array, end: number): Violation | undefined {
  const { broken, otherAt, otherPos, type, usualSize } = message;
  if (type !== fixedLength || otherAt === -1) return broken?.violation;
  if (broken !== undefined && broken.at <= otherAt) return broken.violation;
  readTuple(bytes, otherPos, end);
  const { offset, size } = tupleRead();
  const details = `size_bytes is ${size}; expected ${usualSize} for each tuple, as the type is FIXED_LENGTH`;
  return { rule: "fixed_length", offset, details };
}
