import { describe, expect, it } from "vitest";
import { scrub } from "./scrub.ts";
import { secretFieldNames, secretFields } from "./secret-fields.ts";
import { secretValuesOf } from "./secret-values.ts";

describe("scrub", () => {
  it("removes the longer value first, so that no part is left", () => {
    expect(scrub("key abcdef, part abc", ["abc", "abcdef"])).toBe("key [secret removed], part [secret removed]");
  });

  it("finds values in JSON, base64 and URLs", () => {
    const secret = 'a"b+c?d';
    const forms = [JSON.stringify(secret), Buffer.from(secret).toString("base64"), encodeURIComponent(secret)];
    for (const form of forms) expect(scrub(`<${form}>`, [secret])).not.toContain(form.replaceAll('"', "").slice(0, 5));
  });

  it("leaves a text without secrets alone", () => {
    expect(scrub("pool is full", ["", "hunter2"])).toBe("pool is full");
  });
});

describe("secret fields", () => {
  it("gives the values of a request and of what it contains", () => {
    const request = {
      name: "n",
      secrets: { user: "u", key: "k" },
      inner: [{ secrets: { deep: "d" } }],
      data: Buffer.of(1),
    };
    expect(secretValuesOf(request)).toEqual(["u", "k", "d"]);
    expect(secretValuesOf(undefined)).toEqual([]);
  });

  it("knows every request that brings credentials", () => {
    expect(secretFields.get("csi.v1.CreateVolumeRequest")).toEqual(["secrets"]);
    expect(secretFields.size).toBe(19);
    expect([...secretFieldNames]).toEqual(["secrets"]);
  });
});
