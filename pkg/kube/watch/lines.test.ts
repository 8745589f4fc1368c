import fc from "fast-check";
import { expect, test } from "vitest";
import { lines } from "./lines.ts";

async function read(chunks: readonly Buffer[], maxBytes = 1000): Promise<string[]> {
  async function* source(): AsyncGenerator<Buffer> {
    yield* chunks;
  }
  const found: string[] = [];
  for await (const line of lines(source(), maxBytes)) found.push(line);
  return found;
}

const text = fc.string({ unit: "grapheme", minLength: 1, maxLength: 20 }).filter((each) => !each.includes("\n"));

test("lines are the same wherever the network cuts, also inside a character", async () => {
  const property = fc.asyncProperty(fc.array(text), fc.array(fc.nat(400)), async (expected, cuts) => {
    const bytes = Buffer.from(expected.map((line) => `${line}\n`).join(""));
    const ends = [...cuts.filter((at) => at < bytes.length), bytes.length].sort((a, b) => a - b);
    const chunks = ends.map((end, at) => bytes.subarray(ends[at - 1] ?? 0, end));
    expect(await read(chunks)).toEqual(expected);
  });
  await fc.assert(property);
});

test("what follows the last newline is dropped", async () => {
  expect(await read([Buffer.from("one\ntw")])).toEqual(["one"]);
});

test.each([
  ["in one piece", [`${"x".repeat(1001)}\n`]],
  ["before its end has come", ["x".repeat(600), "x".repeat(401)]],
])("a line that is too long is refused %s", async (_how, parts) => {
  await expect(read(parts.map((part) => Buffer.from(part)))).rejects.toMatchObject({ reason: "EventTooLarge" });
});

test("the limit is for one line, not for the stream", async () => {
  const long = "x".repeat(1000);
  expect(await read(Array.from({ length: 5 }, () => Buffer.from(`${long}\n`)))).toHaveLength(5);
});
