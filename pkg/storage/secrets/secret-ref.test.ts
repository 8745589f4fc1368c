import { describe, expect, it } from "vitest";
import { isDnsLabel, isDnsSubdomain, secretRefFrom, snapshotTokens, snapshotterSecret } from "./index.ts";

const tokens = snapshotTokens({ name: "nightly", namespace: "shop" }, "snapcontent-1");
const from = (name?: string, namespace?: string) =>
  secretRefFrom(
    {
      ...(name === undefined ? {} : { [snapshotterSecret.name]: name }),
      ...(namespace === undefined ? {} : { [snapshotterSecret.namespace]: namespace }),
    },
    snapshotterSecret,
    tokens,
  );

describe("secretRefFrom", () => {
  it.each([
    ["plain names", "creds", "storage", { name: "creds", namespace: "storage" }],
    [
      "name tokens",
      "${volumesnapshot.name}-${volumesnapshotcontent.name}",
      "a",
      { name: "nightly-snapcontent-1", namespace: "a" },
    ],
    ["namespace token", "creds", "${volumesnapshot.namespace}", { name: "creds", namespace: "shop" }],
    ["a dollar that starts no token", "creds", "a", { name: "creds", namespace: "a" }],
  ])("%s", (_, name, namespace, expected) => {
    expect(from(name, namespace)).toEqual(expected);
  });

  it("is nothing when neither key is there", () => {
    expect(from()).toBeUndefined();
  });

  it.each([
    ["name alone", "creds", undefined, /snapshotter-secret-namespace is missing/],
    ["namespace alone", undefined, "storage", /snapshotter-secret-name is missing/],
    ["empty name", "", "storage", /secret-name is empty/],
    ["empty namespace", "creds", "", /secret-namespace is empty/],
    ["unknown token", "${pvc.name}", "storage", /unknown token \$\{pvc\.name\}; known are/],
    ["snapshot name in the namespace", "creds", "${volumesnapshot.name}", /unknown token/],
    ["bare token", "$HOME", "storage", /unknown token \$HOME/],
    ["inherited property", "${constructor}", "storage", /unknown token/],
    ["no DNS name", "Creds_", "storage", /"Creds_", which is not a DNS subdomain/],
    ["namespace with a dot", "creds", "a.b", /"a\.b", which is not a DNS label/],
  ])("refuses: %s", (_, name, namespace, message) => {
    expect(() => from(name, namespace)).toThrow(message);
  });
});

describe("names", () => {
  it.each([
    ["a", true, true],
    ["a-b", true, true],
    ["a.b", false, true],
    ["-a", false, false],
    ["a-", false, false],
    ["A", false, false],
    ["", false, false],
    ["../x", false, false],
    ["a".repeat(63), true, true],
    ["a".repeat(64), false, true],
    ["a".repeat(254), false, false],
  ])("%s", (text, asLabel, asSubdomain) => {
    expect([isDnsLabel(text), isDnsSubdomain(text)]).toEqual([asLabel, asSubdomain]);
  });
});
