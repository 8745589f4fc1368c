import type { X509Certificate } from "node:crypto";
import { isIP } from "node:net";
import type { Bundle } from "./bundle.ts";
import { type Certificates, leadsTo } from "./certificates.ts";

/** Something that a person has to put right. `reason` is that of the event. */
export interface Finding {
  readonly reason: string;
  readonly message: string;
}

/** What the checks look at. */
export interface View extends Certificates {
  /** Where clients are sent: the flag's address, else the object's; "" when there is none. */
  readonly address: string;
  /** What clients trust: the bundle that is published. */
  readonly trusted: Bundle;
  /** What is published only because the certificate of `--tls-cert` needs it still. */
  readonly overdue: Bundle;
  /** Milliseconds since the epoch. */
  readonly nowMs: number;
}

type Check = (view: View) => readonly Finding[];

const filesAreUsable: Check = ({ problems }) => problems.map((message) => ({ reason: "FileUnusable", message }));

/** Clients compare the host they dial with the alternative names alone; the common name counts for nothing. */
const nameFits: Check = ({ address, chain: [leaf] }) => {
  const host = hostOf(address);
  if (leaf === undefined || host === "") return [];
  const fits = isIP(host) === 0 ? leaf.checkHost(host, { subject: "never" }) : leaf.checkIP(host);
  if (fits !== undefined) return [];
  const names = leaf.subjectAltName ?? "no names";
  const message = `the certificate of --tls-cert is for ${names}, and clients are sent to ${host}: they will refuse it`;
  return [{ reason: "CertificateNameMismatch", message }];
};

const isTrusted: Check = ({ chain, trusted }) => {
  if (chain.length === 0 || trusted.length === 0 || leadsTo(trusted, chain)) return [];
  const message = `no certificate in caCert vouches for the certificate of --tls-cert (issued by ${oneLine(chain[0]?.issuer)})`;
  return [{ reason: "CertificateNotTrusted", message }];
};

const authorityIsCurrent: Check = ({ overdue }) =>
  overdue.map((each) => {
    const message =
      `authority ${oneLine(each.subject)} has left --service-ca-file, but the certificate of --tls-cert is still its: ` +
      "it stays in caCert until a certificate of a new one is served";
    return { reason: "AuthorityStillNeeded", message };
  });

const month = 30 * 86_400_000;

const lastsLongEnough: Check = ({ chain: [leaf], authorities, nowMs }) => {
  const subjects = [...(leaf === undefined ? [] : [leaf]), ...authorities];
  return subjects.flatMap((certificate) => {
    const notAfterMs = certificate.validToDate.getTime();
    const lifeMs = notAfterMs - certificate.validFromDate.getTime();
    const what = `${certificate === leaf ? "the certificate of --tls-cert" : "an authority of --service-ca-file"} (${oneLine(certificate.subject)})`;
    const when = certificate.validToDate.toISOString();
    if (notAfterMs <= nowMs) return [{ reason: "CertificateExpired", message: `${what} has expired at ${when}` }];
    // Whoever renews by itself has done so when four fifths of the life are over.
    if (notAfterMs - nowMs > Math.min(lifeMs / 5, month)) return [];
    return [{ reason: "CertificateExpiresSoon", message: `${what} expires at ${when} and was not renewed` }];
  });
};

/** The checks, in the order in which their findings are told. */
const checks: readonly Check[] = [filesAreUsable, nameFits, isTrusted, authorityIsCurrent, lastsLongEnough];

/** Everything that is wrong with the certificates and the address, as of now. */
export const findingsOf = (view: View): readonly Finding[] => checks.flatMap((check) => check(view));

/** When the soonest of the certificates expires, milliseconds since the epoch; undefined without any. */
export function firstExpiryMs(certificates: readonly X509Certificate[]): number | undefined {
  const ends = certificates.map((each) => each.validToDate.getTime());
  return ends.length === 0 ? undefined : Math.min(...ends);
}

/** The part before the port, without the brackets of IPv6. */
export function hostOf(address: string): string {
  const colon = address.lastIndexOf(":");
  return address.slice(0, Math.max(0, colon)).replace(/^\[(.*)\]$/, "$1");
}

const oneLine = (name = ""): string => name.replaceAll("\n", ", ");
