import fc from "fast-check";
import { expect, it } from "vitest";
import { bufferPool } from "./buffer-pool.ts";
import { frameReader } from "./frames.ts";

/** Message number `n`, of this many bytes, with its prefix. */
function frame(n: number, sizeBytes: number): Buffer {
  const bytes = Buffer.alloc(5 + sizeBytes, n + 1);
  bytes[0] = 0;
  bytes.writeUInt32BE(sizeBytes, 1);
  return bytes;
}

const sizes = fc.array(
  fc.oneof(
    { weight: 6, arbitrary: fc.nat({ max: 3000 }) },
    { weight: 2, arbitrary: fc.integer({ min: 65_500, max: 65_600 }) },
    { weight: 1, arbitrary: fc.nat({ max: 1_400_000 }) },
  ),
  { maxLength: 40 },
);
const cuts = fc.array(fc.integer({ min: 1, max: 20_000 }), { minLength: 1, maxLength: 20 });

/** What a stream of these messages comes out as, cut into such pieces, with a flush after some of them. */
function pass(sizesOfMessages: readonly number[], lengths: readonly number[], replaced: (size: number) => boolean) {
  const whole = Buffer.concat(sizesOfMessages.map((size, n) => frame(n, size)));
  const out: Buffer[] = [];
  const seen: number[] = [];
  const pool = bufferPool(2 ** 22);
  const reader = frameReader(pool, {
    onPrefix: () => undefined,
    onMessage: (buffer, start, end) => {
      seen.push(end - start);
      if (!replaced(end - start)) return undefined;
      return [Buffer.from("<"), Buffer.from(buffer.subarray(start - 5, end)), Buffer.from(">")];
    },
    // As a transport does: takes the bytes, and the buffer is used again.
    onRun: (buffer, end) => {
      out.push(Buffer.from(buffer.subarray(0, end)));
      buffer.fill(0xee);
      pool.giveBack(buffer);
    },
  });
  for (let at = 0, turn = 0; at < whole.length; turn += 1) {
    const length = lengths[turn % lengths.length] ?? 1;
    reader.take(whole.subarray(at, at + length));
    if (turn % 3 === 0) reader.flush();
    at += length;
  }
  const { rest } = reader;
  reader.finish(true);
  return { out: Buffer.concat(out), whole, seen, rest };
}

it("passes every message on, once and unchanged, however the bytes are cut", () => {
  fc.assert(
    fc.property(sizes, cuts, (list, lengths) => {
      const { out, whole, seen, rest } = pass(list, lengths, () => false);
      expect([out.equals(whole), rest]).toEqual([true, 0]);
      expect(seen).toEqual(list);
    }),
    { numRuns: 60 },
  );
});

it("puts in the place of a message what it is told", () => {
  const large = (size: number): boolean => size > 100_000;
  fc.assert(
    fc.property(sizes, cuts, (list, lengths) => {
      const expected = list.map((size, n) =>
        large(size) ? Buffer.concat([Buffer.from("<"), frame(n, size), Buffer.from(">")]) : frame(n, size),
      );
      const { out, seen } = pass(list, lengths, large);
      expect(out.equals(Buffer.concat(expected))).toBe(true);
      expect(seen).toEqual(list);
    }),
    { numRuns: 60 },
  );
});

it("keeps what is not complete to itself", () => {
  const pool = bufferPool(0);
  const out: Buffer[] = [];
  const reader = frameReader(pool, {
    onPrefix: () => undefined,
    onMessage: () => undefined,
    onRun: (buffer, end) => void out.push(buffer.subarray(0, end)),
  });
  reader.take(Buffer.concat([frame(0, 10), frame(1, 10).subarray(0, 14)]));
  expect(reader.rest).toBe(14);
  reader.finish(true);
  expect(Buffer.concat(out)).toEqual(frame(0, 10));
});
