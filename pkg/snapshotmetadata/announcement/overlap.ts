/**
 * Which certificates `caCert` holds while an authority is replaced. A certificate that has left the file stays for a
 * while: another replica may still serve with the old authority, and clients may be about to dial with what they read a
 * moment ago; and as long as the certificate that is served needs it. When its time is over stands in an annotation of the object, so that restarts neither lengthen nor
 * shorten it, and replicas agree. Certificates that neither the file nor this program put there are taken out at once.
 */
import type { X509Certificate } from "node:crypto";
import { type Bundle, contains } from "./bundle.ts";

/** On the SnapshotMetadataService: fingerprint (SHA-256) of each published certificate, and when it goes, if it does. */
export const publishedAnnotation = "snapshotmetadata.csi-data-protection.io/published-ca";

/** What this program has published: fingerprint to the time (RFC 3339) at which it goes, or "" while it is in the file. */
export type Published = Readonly<Record<string, string>>;

export interface OverlapInput {
  /** What the file holds. */
  readonly wanted: Bundle;
  /** What the object holds. */
  readonly present: Bundle;
  /** The annotation as it stands; absent before this program first wrote the object. */
  readonly annotation: string | undefined;
  readonly overlapMs: number;
  /** Milliseconds since the epoch. */
  readonly nowMs: number;
  /** Whether the certificate that is served now can not be trusted without this one. */
  readonly needed: (certificate: X509Certificate) => boolean;
}

export interface OverlapPlan {
  /** What the object should hold: what is there stays in its place, so that replicas write the same text. */
  readonly bundle: Bundle;
  readonly published: Published;
  /** Milliseconds until the first certificate has to go; Infinity when none has. */
  readonly nextMs: number;
  /** Those whose time is over, and which stay because they are needed. */
  readonly overdue: Bundle;
}

/** Decides what is to be published, from the file, the object and the clock alone. */
export function planOverlap(input: OverlapInput): OverlapPlan {
  const { wanted, present, annotation, nowMs } = input;
  const known = readPublished(annotation);
  const published: Record<string, string> = {};
  for (const { fingerprint256 } of wanted) published[fingerprint256] = stillLeaving(known?.[fingerprint256], nowMs);
  const leaving = present
    .filter((each) => !contains(wanted, each))
    .map((certificate) => ({ certificate, goesMs: leavesAt(certificate, known, input) }))
    .filter(({ certificate, goesMs }) => goesMs > nowMs || isNeeded(certificate, input));
  for (const { certificate, goesMs } of leaving) {
    published[certificate.fingerprint256] = new Date(goesMs).toISOString();
  }
  const stays = [...wanted, ...leaving.map(({ certificate }) => certificate)];
  const kept = present.filter((each) => contains(stays, each));
  return {
    bundle: [...kept, ...wanted.filter((each) => !contains(kept, each))],
    published,
    nextMs: Math.min(
      Number.POSITIVE_INFINITY,
      ...leaving.flatMap(({ goesMs }) => (goesMs > nowMs ? goesMs - nowMs : [])),
    ),
    overdue: leaving.flatMap(({ certificate, goesMs }) => (goesMs > nowMs ? [] : [certificate])),
  };
}

/** When a certificate that is not in the file has to go, milliseconds since the epoch. */
function leavesAt(
  { fingerprint256, validToDate }: X509Certificate,
  known: Published | undefined,
  { overlapMs, nowMs }: OverlapInput,
): number {
  // Whoever kept the object before us put there what clients need now.
  const noted = known === undefined ? "" : known[fingerprint256];
  if (noted === undefined) return nowMs;
  return Math.min(noted === "" ? nowMs + overlapMs : Date.parse(noted), validToDate.getTime());
}

function isNeeded(certificate: X509Certificate, { needed, nowMs }: OverlapInput): boolean {
  return certificate.validToDate.getTime() > nowMs && needed(certificate);
}

/**
 * Another replica, whose file is newer or older, may have noted that a certificate of ours goes. Its note is left until
 * its time is over: two replicas that correct each other would write without end.
 */
function stillLeaving(noted: string | undefined, nowMs: number): string {
  return noted !== undefined && Date.parse(noted) > nowMs ? noted : "";
}

/** Undefined for one that is absent or was spoilt: then everything present counts as published. */
function readPublished(annotation: string | undefined): Published | undefined {
  try {
    const value: unknown = JSON.parse(annotation ?? "");
    if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
    const entries = Object.entries(value).filter(([, time]) => time === "" || !Number.isNaN(Date.parse(String(time))));
    return Object.fromEntries(entries.map(([fingerprint, time]) => [fingerprint, String(time)]));
  } catch {
    return undefined;
  }
}
