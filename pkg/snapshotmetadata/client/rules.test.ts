import { describe, expect, it } from "vitest";
import { aMessage } from "./metadata-service.ts";
import { ruleCheck } from "./rules.ts";

const variable = { type: 2 };

describe("ruleCheck", () => {
  it.each([
    [
      "overlap",
      [
        aMessage(
          [
            [0, 8192],
            [4096, 4096],
          ],
          variable,
        ),
      ],
      "order",
    ],
    ["descending across messages", [aMessage([[8192, 4096]]), aMessage([[0, 4096]])], "order"],
    ["the same range twice", [aMessage([[0, 4096]]), aMessage([[0, 4096]])], "order"],
    ["negative offset", [aMessage([[-4096, 8192]], variable)], "order"],
    ["size zero", [aMessage([[0, 0]])], "size"],
    ["negative size", [aMessage([[8192, -4096]])], "size"],
    ["another type", [aMessage([[0, 4096]]), aMessage([[4096, 4096]], variable)], "type"],
    ["another type in an empty message", [aMessage([[0, 4096]]), aMessage([], variable)], "type"],
    ["another capacity", [aMessage([[0, 4096]]), aMessage([], { capacity: 5n })], "capacity"],
    ["beyond the capacity", [aMessage([[1 << 20, 4096]])], "capacity"],
    [
      "fixed length, two sizes",
      [
        aMessage([
          [0, 4096],
          [4096, 8192],
        ]),
      ],
      "fixed-length",
    ],
  ])("refuses %s", (_, messages, rule) => {
    const rules = ruleCheck(0n);
    const judge = (): void => messages.forEach((message) => void rules.accept(message));
    expect(judge).toThrow(expect.objectContaining({ reason: "StreamViolation", kind: "terminal", rule }));
  });

  it("refuses a range that ends where the list was to begin", () => {
    const judge = (): unknown => ruleCheck(4096n).accept(aMessage([[0, 4096]]));
    expect(judge).toThrow(expect.objectContaining({ rule: "start" }));
  });

  it.each([
    ["begins before the offset asked for", 6000n, [aMessage([[4096, 4096]])]],
    [
      "reaches over the end with its last block",
      0n,
      [
        aMessage(
          [
            [0, 4096],
            [4096, 4096],
          ],
          { capacity: 6000n },
        ),
      ],
    ],
    [
      "has gaps, empty messages and lengths of their own",
      0n,
      [
        aMessage([], variable),
        aMessage(
          [
            [5, 1],
            [10, 7000],
          ],
          variable,
        ),
      ],
    ],
  ])("accepts a stream that %s, unchanged", (_, start, messages) => {
    const rules = ruleCheck(start);
    expect(messages.flatMap((message) => rules.accept(message))).toEqual(
      messages.flatMap((each) => each.blockMetadata),
    );
  });
});
