import { getCiphers } from "node:tls";
import { describe, expect, it } from "vitest";
import { defineOptions, parseCommandLine } from "../../runtime/options/index.ts";
import { tlsParameterOptions, tlsParameters } from "./index.ts";

function parse(...argv: string[]) {
  return parseCommandLine([defineOptions(tlsParameterOptions)], argv, {});
}

describe("TLS flags", () => {
  it.each<[string[], object]>([
    [[], { tlsMinVersion: "", tlsCipherSuites: [], tlsCurvePreferences: [] }],
    [["--tls-min-version=VersionTLS13"], { tlsMinVersion: "VersionTLS13" }],
    [["--tls-curve-preferences=X25519,CurveP521"], { tlsCurvePreferences: ["X25519", "CurveP521"] }],
    [
      ["--tls-cipher-suites=TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"],
      { tlsCipherSuites: ["TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"] },
    ],
  ])("%j", (argv, expected) => expect(parse(...argv)).toMatchObject({ ok: true, values: [expected] }));

  it.each([
    [
      "--tls-min-version=VersionTLS11",
      /unknown or unsafe TLS version "VersionTLS11" \(expected VersionTLS12, VersionTLS13\)/,
    ],
    ["--tls-cipher-suites=TLS_RSA_WITH_RC4_128_SHA", /unknown or unsafe cipher suite/],
    ["--tls-cipher-suites=constructor", /unknown or unsafe cipher suite/],
    ["--tls-cipher-suites=TLS_AES_128_GCM_SHA256", /belongs to TLS 1.3, whose suites can not be chosen/],
    ["--tls-curve-preferences=P-256", /unknown or unsafe curve "P-256"/],
  ])("refuses %s", (argument, message) => {
    const parsed = parse(argument);
    expect(parsed.ok || parsed.problems.join()).toMatch(message);
  });
});

it("names only suites that this Node has", () => {
  const known = new Set(getCiphers().map((name) => name.toUpperCase()));
  const named = tlsParameters().ciphers?.split(":") ?? [];
  expect(named.length).toBe(9);
  expect(named.filter((name) => !known.has(name.toUpperCase()))).toEqual([]);
});
