import { createHash } from "node:crypto";

type Bytes = Buffer | string;

/** What one connection is opened with. Two equal ones may share connections. */
export interface TlsMaterial {
  readonly ca?: Bytes | undefined;
  readonly cert?: Bytes | undefined;
  readonly key?: Bytes | undefined;
  readonly servername?: string | undefined;
  readonly rejectUnauthorized?: boolean | undefined;
}

/** Headers and TLS material of the next request. Never logged. */
export interface Credentials {
  readonly headers: Readonly<Record<string, string | readonly string[]>>;
  readonly tls: TlsMaterial;
  /** Equal for equal TLS material: connections are kept per fingerprint. */
  readonly fingerprint: string;
}

/** A digest of the TLS material that tells when files have rotated. */
export function fingerprintOf(tls: TlsMaterial): string {
  const hash = createHash("sha256");
  for (const part of [tls.ca, tls.cert, tls.key, tls.servername, String(tls.rejectUnauthorized)]) {
    hash.update(String(part?.length ?? -1)).update(part ?? "");
  }
  return hash.digest("base64");
}
