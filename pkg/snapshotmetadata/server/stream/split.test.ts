import { BinaryWriter } from "@bufbuild/protobuf/wire";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { GetMetadataAllocatedResponse } from "../../../gen/csi/v1/csi.ts";
import { splitMessage } from "./split.ts";

type Message = GetMetadataAllocatedResponse;

const message: fc.Arbitrary<Message> = fc.record({
  blockMetadataType: fc.constantFrom(0, 1, 2),
  volumeCapacityBytes: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  blockMetadata: fc.array(
    fc.record({
      byteOffset: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
      sizeBytes: fc.bigInt({ min: 0n, max: 2n ** 40n }),
    }),
    { maxLength: 40 },
  ),
});

const encode = (whole: Message): Uint8Array => GetMetadataAllocatedResponse.encode(whole).finish();

/** The parts without their prefixes, whose lengths must be right. */
function bodies(parts: readonly Buffer[]): Buffer[] {
  return parts.map((part) => {
    expect([part[0], part.readUInt32BE(1)]).toEqual([0, part.length - 5]);
    return part.subarray(5);
  });
}

function split(bytes: Uint8Array, maxBytes: number): Buffer[] | undefined {
  const around = Buffer.concat([Buffer.of(9, 9), bytes, Buffer.of(8, 2)]);
  const parts = splitMessage(around, 2, 2 + bytes.length, maxBytes);
  return parts && bodies(parts);
}

describe("a message that is split", () => {
  it("says in its parts what it said as a whole, in as little as fits", () => {
    fc.assert(
      fc.property(message, message, fc.integer({ min: 60, max: 400 }), (first, rest, maxBytes) => {
        // What comes last counts: type and capacity of the second, and the tuples of both.
        const bytes = Buffer.concat([
          encode(first),
          encode({ ...rest, blockMetadataType: 1, volumeCapacityBytes: 7n }),
        ]);
        const whole = GetMetadataAllocatedResponse.decode(bytes);
        const parts = split(bytes, maxBytes) ?? [];
        const decoded = parts.map((part) => GetMetadataAllocatedResponse.decode(part));
        expect(decoded.flatMap(({ blockMetadata }) => blockMetadata)).toEqual(whole.blockMetadata);
        for (const part of decoded) expect([part.blockMetadataType, part.volumeCapacityBytes]).toEqual([1, 7n]);
        expect(Math.max(...parts.map(({ length }) => length))).toBeLessThanOrEqual(maxBytes);
        expect(parts.length).toBeLessThanOrEqual(1 + Math.ceil(bytes.length / (maxBytes - 40)));
      }),
    );
  });

  it("keeps fields that nobody knows, once", () => {
    const unknown = new BinaryWriter()
      .uint32((15 << 3) | 2)
      .bytes(new Uint8Array(50))
      .finish();
    const tuples = Array.from({ length: 20 }, (_, n) => ({ byteOffset: BigInt(n) * 10n, sizeBytes: 5n }));
    const whole = encode({ blockMetadataType: 2, volumeCapacityBytes: 1000n, blockMetadata: tuples });
    const parts = split(Buffer.concat([whole, unknown]), 80) ?? [];
    expect(parts.filter((part) => part.includes(Buffer.from(unknown))).length).toBe(1);
    expect(parts.flatMap((part) => GetMetadataAllocatedResponse.decode(part).blockMetadata)).toEqual(tuples);
  });
});

describe("a message that can not be split", () => {
  it.each([
    ["cut off", Buffer.of(0x1a, 9, 8, 1)],
    ["with a tag of zero", Buffer.of(8, 1, 0, 0x1a, 0)],
    ["with the end of a group", Buffer.of(8, 1, 0x2c)],
    ["with a field above the limit", Buffer.concat([Buffer.of(0x7a, 100), Buffer.alloc(100)])],
  ])("%s", (_, bytes) => {
    expect(split(bytes, 60)).toBeUndefined();
  });
});
