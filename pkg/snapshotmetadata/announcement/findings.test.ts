import { X509Certificate } from "node:crypto";
import { describe, expect, it } from "vitest";
import { createAuthority } from "../../runtime/certificates/index.ts";
import { leadsTo } from "./certificates.ts";
import { findingsOf, hostOf, type View } from "./findings.ts";

const day = 86_400_000;

/** An authority and a server certificate of it, both for so many days. */
async function pair(hosts: string[], days = 1000) {
  const authority = await createAuthority({ name: "CN=authority", lifetimeMs: days * day });
  const { certPem } = await authority.issue({ subject: "CN=a.test", hosts });
  return { authority: new X509Certificate(authority.caPem), leaf: new X509Certificate(certPem) };
}

async function reasons(hosts: string[], change: Partial<View>, days?: number): Promise<string[]> {
  const { authority, leaf } = await pair(hosts, days);
  const view = { authorities: [authority], chain: [leaf], problems: [], trusted: [authority], overdue: [] };
  return findingsOf({ ...view, address: "a.test:1", nowMs: Date.now(), ...change }).map(({ reason }) => reason);
}

describe("findingsOf", () => {
  it.each([
    ["a.test:6443", ["a.test"], []],
    ["A.TEST:6443", ["a.test"], []],
    ["a.test.:6443", ["a.test"], ["CertificateNameMismatch"]],
    ["b.a.test:6443", ["*.a.test"], []],
    ["a.test:6443", ["*.a.test"], ["CertificateNameMismatch"]],
    ["10.0.0.1:6443", ["10.0.0.1"], []],
    ["10.0.0.1:6443", ["a.test"], ["CertificateNameMismatch"]],
    ["[::1]:6443", ["::1"], []],
    // The common name is a.test, and counts for nothing.
    ["a.test:6443", ["b.test"], ["CertificateNameMismatch"]],
    ["a.test:6443", [], ["CertificateNameMismatch"]],
    ["", ["b.test"], []],
  ])("address %j, certificate for %j: %j", async (address, hosts, expected) => {
    expect(await reasons(hosts, { address })).toEqual(expected);
  });

  it.each<[string, number, number, string[]]>([
    ["a third of a short life left", 90, 30, []],
    ["less than a fifth of a short life left", 90, 17, ["CertificateExpiresSoon", "CertificateExpiresSoon"]],
    ["two months of a long life left", 3650, 60, []],
    ["less than a month of a long life left", 3650, 29, ["CertificateExpiresSoon", "CertificateExpiresSoon"]],
    ["nothing left", 90, -1, ["CertificateExpired", "CertificateExpired"]],
  ])("%s", async (_, days, leftDays, expected) => {
    expect(await reasons(["a.test"], { nowMs: Date.now() + (days - leftDays) * day }, days)).toEqual(expected);
  });

  it("tells of an authority that does not vouch, and of none where nothing is known", async () => {
    const other = (await pair(["a.test"])).authority;
    expect(await reasons(["a.test"], { trusted: [other] })).toEqual(["CertificateNotTrusted"]);
    expect(await reasons(["a.test"], { trusted: [] })).toEqual([]);
    expect(await reasons(["a.test"], { overdue: [other] })).toEqual(["AuthorityStillNeeded"]);
    expect(await reasons(["a.test"], { problems: ["x"] })).toEqual(["FileUnusable"]);
  });
});

describe("leadsTo", () => {
  it("goes by signatures, not by names: two authorities of one name are told apart", async () => {
    const [one, other] = [await pair(["a.test"]), await pair(["a.test"])];
    expect(one.authority.subject).toBe(other.authority.subject);
    expect([leadsTo([one.authority], [one.leaf]), leadsTo([other.authority], [one.leaf])]).toEqual([true, false]);
    expect(leadsTo([other.authority, one.authority], [one.leaf])).toBe(true);
    expect([leadsTo([one.leaf], [one.leaf]), leadsTo([], [one.leaf]), leadsTo([one.authority], [])]).toEqual([
      true,
      false,
      false,
    ]);
  });

  it("ends where certificates lead in a circle", async () => {
    const [one, other] = [await pair(["a.test"]), await pair(["a.test"])];
    expect(leadsTo([other.authority], [one.leaf, one.authority, one.authority])).toBe(false);
    expect(leadsTo([one.authority], [one.leaf, other.leaf, one.authority])).toBe(true);
  });
});

it("hostOf", () => {
  expect(["a.test:1", "[::1]:6443", "10.0.0.1:2", ""].map(hostOf)).toEqual(["a.test", "::1", "10.0.0.1", ""]);
});
