import { status } from "@grpc/grpc-js";
import { describe, expect, it } from "vitest";
import { Refusal, toRefusal } from "./refusal.ts";

const systemError = (code: string): Error => Object.assign(new Error(`${code}: open '/secret/place'`), { code });

describe("toRefusal", () => {
  it.each([
    ["ENOSPC", status.RESOURCE_EXHAUSTED],
    ["EDQUOT", status.RESOURCE_EXHAUSTED],
    ["EFBIG", status.OUT_OF_RANGE],
    ["EIO", status.INTERNAL],
  ])("%s", (code, wanted) => {
    const refusal = toRefusal(systemError(code));
    expect(refusal.code).toBe(wanted);
    expect(refusal.details).not.toContain("/secret/place");
  });

  it("keeps a refusal, and says what else went wrong", () => {
    const refusal = new Refusal("ABORTED", "x");
    expect(toRefusal(refusal)).toBe(refusal);
    expect(toRefusal(new Error("odd"))).toMatchObject({ code: status.INTERNAL, details: "odd" });
    expect(toRefusal("text")).toMatchObject({ code: status.INTERNAL });
  });
});
