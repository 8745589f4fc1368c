import type { SecureContextOptions, SecureVersion } from "node:tls";
import { list, type OptionSpec, text } from "../../runtime/options/index.ts";

const VERSIONS: Readonly<Record<string, SecureVersion>> = { VersionTLS12: "TLSv1.2", VersionTLS13: "TLSv1.3" };

/** Suites that Go counts as safe for TLS 1.2, by their OpenSSL names. Those of TLS 1.3 are not for choosing. */
const SUITES: Readonly<Record<string, string>> = {
  TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256: "ECDHE-ECDSA-AES128-GCM-SHA256",
  TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256: "ECDHE-RSA-AES128-GCM-SHA256",
  TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384: "ECDHE-ECDSA-AES256-GCM-SHA384",
  TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384: "ECDHE-RSA-AES256-GCM-SHA384",
  TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256: "ECDHE-ECDSA-CHACHA20-POLY1305",
  TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256: "ECDHE-RSA-CHACHA20-POLY1305",
  TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA: "ECDHE-ECDSA-AES128-SHA",
  TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA: "ECDHE-RSA-AES128-SHA",
  TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA: "ECDHE-ECDSA-AES256-SHA",
  TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA: "ECDHE-RSA-AES256-SHA",
};

/** Without a choice: those of the suites that HTTP/2 allows. */
const DEFAULT_SUITES = Object.values(SUITES).filter((name) => !name.endsWith("-SHA"));

const TLS13_SUITES = ["TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"];

const CURVES: Readonly<Record<string, string>> = {
  X25519: "X25519",
  CurveP256: "P-256",
  CurveP384: "P-384",
  CurveP521: "P-521",
  X25519MLKEM768: "X25519MLKEM768",
};

/** What the flags say about TLS; empty means the default. */
export interface TlsParameters {
  readonly tlsMinVersion: string;
  readonly tlsCipherSuites: readonly string[];
  readonly tlsCurvePreferences: readonly string[];
}

/** The flags of a TLS server, to be spread into `defineOptions`. */
export const tlsParameterOptions: { readonly [K in keyof TlsParameters]: OptionSpec<TlsParameters[K]> } = {
  tlsMinVersion: checked(
    text("tls-min-version", "", `Lowest TLS version: ${names(VERSIONS)}. VersionTLS12 when empty`),
    (value) => value === "" || known(VERSIONS, value, "TLS version"),
  ),
  tlsCipherSuites: checked(
    list(
      "tls-cipher-suites",
      [],
      `Cipher suites for TLS 1.2, best first: ${names(SUITES)}. Those of TLS 1.3 are fixed`,
    ),
    (values) => values.every((value) => known(SUITES, value, "cipher suite")),
  ),
  tlsCurvePreferences: checked(
    list("tls-curve-preferences", [], `Key exchanges, best first: ${names(CURVES)}`),
    (values) => values.every((value) => known(CURVES, value, "curve")),
  ),
};

function checked<T>(spec: OptionSpec<T>, check: (value: T) => unknown): OptionSpec<T> {
  return {
    ...spec,
    parse: (given) => {
      const value = spec.parse(given);
      check(value);
      return value;
    },
  };
}

function known(table: Readonly<Record<string, string>>, value: string, what: string): true {
  if (Object.hasOwn(table, value)) return true;
  if (TLS13_SUITES.includes(value)) throw new Error(`${value} belongs to TLS 1.3, whose suites can not be chosen`);
  throw new Error(`unknown or unsafe ${what} "${value}" (expected ${names(table)})`);
}

function names(table: Readonly<Record<string, string>>): string {
  return Object.keys(table).join(", ");
}

/** The parameters in the terms of Node. */
export function tlsParameters(
  given: Partial<TlsParameters> = {},
): Pick<SecureContextOptions, "minVersion" | "ciphers" | "ecdhCurve"> {
  const { tlsMinVersion = "", tlsCipherSuites = [], tlsCurvePreferences = [] } = given;
  const suites = tlsCipherSuites.length === 0 ? DEFAULT_SUITES : tlsCipherSuites.map((name) => SUITES[name] as string);
  const curves = tlsCurvePreferences.map((name) => CURVES[name] as string);
  return {
    minVersion: VERSIONS[tlsMinVersion] ?? "TLSv1.2",
    // Node turns TLS 1.3 off when none of its suites is named.
    ciphers: [...TLS13_SUITES, ...suites].join(":"),
    ...(curves.length === 0 ? {} : { ecdhCurve: curves.join(":") }),
  };
}
