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

  const key = "-----BEGIN KEY-----\r\n  abcdefghijkl\r\n-----END KEY-----\n";
  it.each([
    ["without the newline at its end", "hunter2-long\n", "login with hunter2-long refused", "hunter2"],
    ["trimmed and in base64", "hunter2-long\n", "got aHVudGVyMi1sb25n", "aHVu"],
    ["a line of several", key, "bad line abcdefghijkl here", "abcdefghijkl"],
    ["percent-encoded with lower case", "a/b=c", "url a%2fb%3dc refused", "%2f"],
    ["percent-encoded with upper case", "a/b=c", "url a%2Fb%3Dc refused", "%2F"],
    ["in hex", "hunter", "key 68756e746572 refused", "68756e"],
    ["in upper-case hex", "jklmno", "key 6A6B6C6D6E6F refused", "6A6B"],
    ["in Go's JSON", 'a<b>c&d"e', 'body "a\\u003cb\\u003ec\\u0026d\\"e"', "u003c"],
  ])("finds a value %s", (_how, secret, text, rest) => {
    const clean = scrub(text, [secret]);
    expect(clean).toContain("[secret removed]");
    expect(clean).not.toContain(rest);
  });

  it.each([
    ["a short line of a longer value", "pool\nuser\nhunter2-long", "pool of user is full"],
    ["what is no more than white space", " \n\t", "pool is full"],
    ["digits that are the hex of a short value", "ab", "error 6162"],
  ])("leaves alone %s", (_what, secret, text) => {
    expect(scrub(text, [secret])).toBe(text);
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
