import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Run, runsWhere } from "./runs.ts";
import { type BlockType, tupleBatches } from "./tuples.ts";

const blockSize = 4096;

async function* listed(lists: readonly (readonly Run[])[]): AsyncGenerator<readonly Run[]> {
  yield* lists;
}

async function batchesOf(
  lists: readonly (readonly Run[])[],
  type: BlockType,
  max: number,
): Promise<[number, number][][]> {
  const batches: [number, number][][] = [];
  for await (const batch of tupleBatches(listed(lists), { type, blockSize, max })) {
    batches.push(batch.map((each) => [Number(each.byteOffset) / blockSize, Number(each.sizeBytes) / blockSize]));
  }
  return batches;
}

describe("tupleBatches", () => {
  it("gives one tuple per block, at most so many in a message", async () => {
    const lists = [[{ start: 0, end: 3 }], [], [{ start: 7, end: 9 }]];
    expect(await batchesOf(lists, "FIXED_LENGTH", 2)).toEqual([
      [
        [0, 1],
        [1, 1],
      ],
      [
        [2, 1],
        [7, 1],
      ],
      [[8, 1]],
    ]);
  });

  it("joins blocks across chunks and messages when lengths may vary", async () => {
    const lists = [
      [
        { start: 0, end: 1 },
        { start: 2, end: 4 },
      ],
      [{ start: 4, end: 8 }],
      [{ start: 8, end: 9 }],
    ];
    expect(await batchesOf(lists, "VARIABLE_LENGTH", 1)).toEqual([[[0, 1]], [[2, 7]]]);
  });

  it("makes no empty message", async () => {
    expect(await batchesOf([[], []], "VARIABLE_LENGTH", 4)).toEqual([]);
    expect(await batchesOf([[], []], "FIXED_LENGTH", 4)).toEqual([]);
  });

  it("covers exactly the chosen blocks, whatever they are", async () => {
    const blocks = fc.array(fc.boolean(), { maxLength: 200 });
    await fc.assert(
      fc.asyncProperty(
        blocks,
        fc.integer({ min: 1, max: 50 }),
        fc.integer({ min: 1, max: 9 }),
        async (set, cut, max) => {
          const chunks = Array.from({ length: Math.ceil(set.length / cut) }, (_, at) =>
            set.slice(at * cut, (at + 1) * cut),
          );
          const lists = chunks.map((chunk, at) => runsWhere(chunk.length, at * cut, (block) => chunk[block] === true));
          for (const type of ["FIXED_LENGTH", "VARIABLE_LENGTH"] as const) {
            const batches = await batchesOf(lists, type, max);
            const tuples = batches.flat();
            const covered = set.map((_, block) => tuples.some(([from, size]) => from <= block && block < from + size));
            expect(covered).toEqual(set);
            expect(batches.every((batch) => batch.length > 0 && batch.length <= max)).toBe(true);
            const gaps = tuples.slice(1).map(([from], at) => from - ((tuples[at]?.[0] ?? 0) + (tuples[at]?.[1] ?? 0)));
            expect(gaps.every((gap) => gap >= (type === "FIXED_LENGTH" ? 0 : 1))).toBe(true);
          }
        },
      ),
      { numRuns: 50 },
    );
  });
});
