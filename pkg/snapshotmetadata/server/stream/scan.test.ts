import { BinaryReader, BinaryWriter } from "@bufbuild/protobuf/wire";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type BlockMetadataType, GetMetadataAllocatedResponse } from "../../../gen/csi/v1/csi.ts";
import { type Asked, scanStream } from "./scan.ts";

/** What a stream led to: the messages that broke a rule, and those past the capacity. */
interface Judgement {
  readonly violations: readonly (readonly [message: number, rule: string, offset: bigint])[];
  readonly pastCapacity: readonly number[];
  readonly tuples: number;
}

type Judge = (messages: readonly Uint8Array[], asked: Asked) => Judgement;

/** The rules in plain words, on messages that the generated codec has decoded. */
const decoding: Judge = (messages, asked) => {
  const violations: [number, string, bigint][] = [];
  const pastCapacity: number[] = [];
  let first: GetMetadataAllocatedResponse | undefined;
  let usualSize: bigint | undefined;
  let last = 0n;
  let tuples = 0;
  for (const [number, bytes] of messages.entries()) {
    const break_ = (rule: string, offset: bigint): void => {
      if (violations.at(-1)?.[0] !== number) violations.push([number, rule, offset]);
    };
    const message = decode(bytes);
    if (message === undefined) {
      break_("malformed", last);
      continue;
    }
    const { blockMetadataType: type, volumeCapacityBytes: capacity, blockMetadata } = message;
    first ??= message;
    if (type !== first.blockMetadataType) break_("block_metadata_type", last);
    if (capacity !== first.volumeCapacityBytes) break_("volume_capacity_bytes", last);
    if (asked.maxResults > 0 && blockMetadata.length > asked.maxResults) break_("max_results", last);
    for (const { byteOffset: offset, sizeBytes: size } of blockMetadata) {
      if (size <= 0n) break_("size_bytes", offset);
      if (offset < 0n) break_("byte_offset", offset);
      if (tuples === 0 && offset + size <= asked.startingOffset) break_("starting_offset", offset);
      if (tuples > 0 && offset < last) break_("order", offset);
      usualSize ??= size;
      if (type === 1 && size !== usualSize) break_("fixed_length", offset);
      last = offset + size;
      tuples += 1;
    }
    if (blockMetadata.length > 0 && last > capacity) pastCapacity.push(number);
  }
  return { violations, pastCapacity, tuples };
};

/** The message, unless the codec refuses it or leaves a rest of it unread. */
function decode(bytes: Uint8Array): GetMetadataAllocatedResponse | undefined {
  try {
    const reader = new BinaryReader(bytes);
    const message = GetMetadataAllocatedResponse.decode(reader);
    return reader.pos === reader.len ? message : undefined;
  } catch {
    return undefined;
  }
}

/** The scanner, on messages that lie between other bytes. */
const scanning: Judge = (messages, asked) => {
  const scanner = scanStream(asked);
  const violations: [number, string, bigint][] = [];
  const pastCapacity: number[] = [];
  for (const [number, bytes] of messages.entries()) {
    const around = Buffer.concat([Buffer.from([0x1a, 0x80]), bytes, Buffer.from([0x08, 0xff, 0x10, 0x01, 0x80])]);
    const found = scanner.scan(around, 2, 2 + bytes.length);
    if (found !== undefined) violations.push([number, found.rule, found.offset]);
    if (scanner.pastCapacity) pastCapacity.push(number);
  }
  return { violations, pastCapacity, tuples: scanner.tuples };
};

/** A varint of this many bytes at least, padded as no encoder does it. */
function varint(value: bigint, atLeast = 1): number[] {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, value);
  do {
    bytes.push(Number(rest & 0x7fn));
    rest >>= 7n;
  } while (rest > 0n || bytes.length < atLeast);
  return bytes.map((byte, n) => (n < bytes.length - 1 ? byte | 0x80 : byte));
}

type Bytes = readonly number[];
const delimited = (tag: Bytes, body: Bytes, lengthBytes = 1): Bytes => [
  ...tag,
  ...varint(BigInt(body.length), lengthBytes),
  ...body,
];

/** Mostly one byte; at times more than needed, or more than allowed. */
const width = fc.oneof(
  { weight: 8, arbitrary: fc.constant(1) },
  { weight: 1, arbitrary: fc.integer({ min: 2, max: 12 }) },
);

const unusual: fc.Arbitrary<bigint> = fc.oneof(
  fc.constantFrom(0n, 1n, -1n, 2n ** 49n - 1n, 2n ** 49n, 2n ** 53n, 2n ** 53n + 1n, 2n ** 63n - 1n, -(2n ** 63n)),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
);
const number = (usual: fc.Arbitrary<bigint>): fc.Arbitrary<bigint> =>
  fc.oneof({ weight: 12, arbitrary: usual }, { weight: 1, arbitrary: unusual });

const field = (tag: number, value: fc.Arbitrary<bigint>): fc.Arbitrary<Bytes> =>
  fc.tuple(value, width, width).map(([v, ofTag, ofValue]) => [...varint(BigInt(tag), ofTag), ...varint(v, ofValue)]);

const unknown: fc.Arbitrary<Bytes> = fc.letrec<{ field: Bytes }>((tie) => ({
  field: fc.oneof(
    { depthSize: "small" },
    field(0x28, unusual),
    field(0x18, unusual),
    field(0x03, unusual),
    fc.uint8Array({ minLength: 8, maxLength: 8 }).map((body) => [0x31, ...body]),
    fc.uint8Array({ minLength: 4, maxLength: 4 }).map((body) => [0x0d, ...body]),
    fc.uint8Array({ maxLength: 20 }).map((body) => delimited([0x12], [...body])),
    fc.uint8Array({ maxLength: 20 }).map((body) => delimited([0x0a], [...body])),
    fc
      .tuple(fc.constantFrom(0x2b, 0x13), fc.array(tie("field"), { maxLength: 3 }), fc.constantFrom(0x2c, 0x2c, 0x14))
      .map(([open, inner, close]) => [open, ...inner.flat(), close]),
  ),
})).field;

const tupleOf = (offset: bigint, size: bigint): fc.Arbitrary<Bytes> =>
  fc
    .tuple(
      fc.oneof(
        { weight: 20, arbitrary: fc.tuple(field(8, fc.constant(offset)), field(16, fc.constant(size))) },
        { weight: 1, arbitrary: fc.tuple(field(16, fc.constant(size)), field(8, fc.constant(offset))) },
        { weight: 1, arbitrary: fc.tuple(field(16, fc.constant(size))) },
        {
          weight: 1,
          arbitrary: fc.array(
            fc.oneof(field(8, number(fc.constant(offset))), field(16, number(fc.constant(size))), unknown),
          ),
        },
        // A varint of ten bytes in each place, so that the whole is longer than any usual tuple.
        { weight: 1, arbitrary: fc.constant([varint(8n, 5), varint(offset, 10), varint(16n, 5), varint(size, 10)]) },
      ),
      width,
    )
    .map(([fields, ofLength]) => delimited([0x1a], fields.flat(), ofLength));

interface Shape {
  readonly type: bigint;
  readonly capacity: bigint;
  readonly sizes: readonly bigint[];
  readonly gaps: readonly bigint[];
}

const messagesOf = ({ type, capacity, sizes, gaps }: Shape, cuts: readonly number[]): fc.Arbitrary<Uint8Array[]> => {
  let offset = 0n;
  const tuples = sizes.map((size, n) => {
    offset += gaps[n] ?? 0n;
    const made = tupleOf(offset, size);
    offset += size;
    return made;
  });
  const lists: fc.Arbitrary<Bytes>[][] = [];
  for (const cut of [...cuts, tuples.length]) lists.push(tuples.splice(0, cut));
  const head = [field(8, fc.constant(type)), field(16, fc.constant(capacity))];
  return fc.tuple(...lists.map((list) => messageOf(head, list)));
};

/** Usually in order; at times with more fields, in any order, and with bytes cut off or changed. */
const messageOf = (head: fc.Arbitrary<Bytes>[], tuples: fc.Arbitrary<Bytes>[]): fc.Arbitrary<Uint8Array> => {
  const usual = fc.tuple(...head, ...tuples);
  const strange = fc
    .tuple(usual, fc.array(fc.oneof(unknown, field(8, unusual), field(16, unusual)), { maxLength: 3 }))
    .chain(([fields, more]) => {
      const all = [...fields, ...more];
      return fc.shuffledSubarray(all, { minLength: Math.max(0, all.length - 2) });
    });
  const reordered = fc.tuple(fc.tuple(...tuples), fc.tuple(...head)).map(([list, ends]) => [...list, ...ends]);
  const whole = fc
    .oneof({ weight: 10, arbitrary: usual }, { weight: 1, arbitrary: strange }, { weight: 1, arbitrary: reordered })
    .map((fields) => Uint8Array.from(fields.flat()));
  const hurt = fc
    .tuple(whole, fc.nat(), fc.integer({ min: 0, max: 255 }), fc.boolean())
    .map(([bytes, at, byte, cut]) => {
      const where = bytes.length === 0 ? 0 : at % bytes.length;
      return cut || bytes.length === 0 ? bytes.slice(0, where) : bytes.with(where, byte);
    });
  return fc.oneof({ weight: 20, arbitrary: whole }, { weight: 1, arbitrary: hurt });
};

const streams: fc.Arbitrary<Uint8Array[]> = fc
  .record({
    type: fc.oneof({ weight: 9, arbitrary: fc.constantFrom(1n, 2n) }, { weight: 1, arbitrary: unusual }),
    capacity: number(fc.constantFrom(10n ** 6n, 2n ** 40n)),
    block: fc.constantFrom(1n, 512n, 4096n),
    varies: fc.boolean(),
    sizes: fc.array(number(fc.bigInt({ min: 1n, max: 70_000n })), { maxLength: 12 }),
    gaps: fc.array(number(fc.bigInt({ min: 0n, max: 2n ** 36n })), { maxLength: 12 }),
    cuts: fc.array(fc.nat({ max: 5 }), { maxLength: 4 }),
  })
  .chain(({ type, capacity, block, varies, sizes, gaps, cuts }) =>
    messagesOf({ type, capacity, gaps, sizes: varies ? sizes : sizes.map(() => block) }, cuts),
  );

const asks: fc.Arbitrary<Asked> = fc.record({
  startingOffset: fc.oneof(fc.constant(0n), fc.bigInt({ min: 0n, max: 2n ** 37n }), fc.constant(2n ** 63n - 1n)),
  maxResults: fc.constantFrom(0, 0, 1, 3, 5, 2 ** 31 - 1),
});

describe("the scanner", () => {
  it("judges as the decoding checker does, whatever comes", () => {
    fc.assert(
      fc.property(streams, asks, (messages, asked) => {
        expect(scanning(messages, asked)).toEqual(decoding(messages, asked));
      }),
      { numRuns: 6000 },
    );
  });

  it("judges as the decoding checker does, of garbage", () => {
    const garbage = fc.array(
      fc.array(fc.constantFrom(0, 1, 2, 4, 8, 0x0b, 0x0c, 16, 0x1a, 0x1b, 0x1c, 0x22, 0x80, 0xff), { maxLength: 24 }),
    );
    fc.assert(
      fc.property(garbage, asks, (lists, asked) => {
        const messages = lists.map((list) => Uint8Array.from(list));
        expect(scanning(messages, asked)).toEqual(decoding(messages, asked));
      }),
      { numRuns: 6000 },
    );
  });

  const deep = (groups: number): Uint8Array =>
    Uint8Array.from([...Array<number>(groups).fill(0x2b), ...Array<number>(groups).fill(0x2c)]);
  it.each([99, 100, 101, 102])("follows %i groups within groups as far as the codec does", (groups) => {
    const messages = [deep(groups)];
    const asked = { startingOffset: 0n, maxResults: 0 };
    expect(scanning(messages, asked)).toEqual(decoding(messages, asked));
    expect(scanning(messages, asked).violations.length).toBe(groups > 100 ? 1 : 0);
  });
});

/** A message as a driver encodes it; tuples as pairs of offset and size. */
function encoded(
  tuples: readonly (readonly [number | bigint, number | bigint])[],
  type: BlockMetadataType = 1,
  capacity = 1n << 40n,
) {
  const blockMetadata = tuples.map(([offset, size]) => ({ byteOffset: BigInt(offset), sizeBytes: BigInt(size) }));
  const message = { blockMetadataType: type, volumeCapacityBytes: capacity, blockMetadata };
  return GetMetadataAllocatedResponse.encode(
    GetMetadataAllocatedResponse.fromPartial(message),
    new BinaryWriter(),
  ).finish();
}

describe("each rule", () => {
  const huge = 2n ** 53n;
  const rows: readonly [rule: string, offset: bigint, messages: readonly Uint8Array[], asked?: Partial<Asked>][] = [
    ["malformed", 8192n, [encoded([[4096, 4096]]), Uint8Array.of(0x1a, 5, 8)]],
    ["block_metadata_type", 8192n, [encoded([[4096, 4096]]), encoded([[8192, 4096]], 2)]],
    ["volume_capacity_bytes", 8192n, [encoded([[4096, 4096]]), encoded([[8192, 4096]], 1, 5n)]],
    [
      "max_results",
      8192n,
      [
        encoded([[4096, 4096]]),
        encoded([
          [8192, 4096],
          [12288, 4096],
        ]),
      ],
      { maxResults: 1 },
    ],
    ["size_bytes", 7n, [encoded([[0, 1]]), encoded([[7, 0]])]],
    ["size_bytes", 7n, [encoded([[7, -1]])]],
    ["byte_offset", -4096n, [encoded([[-4096, 8192]])]],
    ["starting_offset", 4096n, [encoded([]), encoded([[4096, 4096]])], { startingOffset: 8192n }],
    ["order", 8191n, [encoded([[4096, 4096]]), encoded([[8191, 4096]])]],
    [
      "order",
      0n,
      [
        encoded([
          [4096, 4096],
          [0, 4096],
        ]),
      ],
    ],
    ["order", huge, [encoded([[huge, 1]]), encoded([[huge, 1]])]],
    ["fixed_length", 8192n, [encoded([[4096, 4096]]), encoded([[8192, 8192]])]],
  ];
  it.each(rows)("%s at %i", (rule, offset, messages, asked = {}) => {
    const found = scanning(messages, { startingOffset: 0n, maxResults: 0, ...asked });
    expect(found.violations).toEqual([[messages.length - 1, rule, offset]]);
  });

  it("neighbours beyond 2^53 are told apart", () => {
    const messages = [
      encoded(
        [
          [huge, 1],
          [huge + 1n, 1],
        ],
        1,
        huge + 2n,
      ),
      encoded([[huge + 2n, 1]], 1, huge + 2n),
    ];
    const found = scanning(messages, { startingOffset: huge, maxResults: 0 });
    expect(found).toEqual({ violations: [], pastCapacity: [1], tuples: 3 });
  });

  it("lengths may differ when they are variable, even if the type comes last", () => {
    const tuples = encoded(
      [
        [0, 1],
        [1, 2],
      ],
      0,
      0n,
    );
    const messages = [2, 1].map((type) => Uint8Array.from([...tuples, 8, type, 16, 100]));
    const [variable, fixed] = messages.map(
      (each) => scanning([each], { startingOffset: 0n, maxResults: 0 }).violations,
    );
    expect([variable, fixed]).toEqual([[], [[0, "fixed_length", 1n]]]);
  });
});
