import type { SnapshotMetadataService } from "../../apis/cbt/index.ts";
import { decodeBundle, encodeBundle, sameCertificates } from "./bundle.ts";
import type { AnnouncementOptions } from "./options.ts";
import { type OverlapPlan, publishedAnnotation } from "./overlap.ts";

/** The difference between an object and what is wanted of it. */
export interface Changes {
  /** Paths of what differs, for people; empty when nothing does. */
  readonly fields: readonly string[];
  /** A merge patch that holds nothing else. */
  readonly patch: {
    readonly metadata?: { readonly annotations: Readonly<Record<string, string>> };
    readonly spec?: Partial<SnapshotMetadataService["spec"]>;
  };
}

/** What has to be written. Fields without a flag, and `requireBaseSnapshotForDelta`, belong to somebody else. */
export function changesTo(
  { metadata, spec }: SnapshotMetadataService,
  { serviceAddress, serviceAudience }: AnnouncementOptions,
  plan: OverlapPlan | undefined,
): Changes {
  const wanted: Partial<SnapshotMetadataService["spec"]> = {
    ...(serviceAddress !== "" && spec.address !== serviceAddress ? { address: serviceAddress } : {}),
    ...(serviceAudience !== "" && spec.audience !== serviceAudience ? { audience: serviceAudience } : {}),
    ...(plan && !sameCertificates(decodeBundle(spec.caCert), plan.bundle) ? { caCert: encodeBundle(plan.bundle) } : {}),
  };
  const note = plan && publishedText(plan);
  const noted = note === undefined || metadata.annotations?.[publishedAnnotation] === note;
  const fields = Object.keys(wanted).map((field) => `spec.${field}`);
  return {
    fields: noted ? fields : [...fields, "metadata.annotations"],
    patch: {
      ...(noted ? {} : { metadata: { annotations: { [publishedAnnotation]: note } } }),
      ...(fields.length === 0 ? {} : { spec: wanted }),
    },
  };
}

/** The whole object, where there was none. */
export function newService(
  name: string,
  { serviceAddress: address, serviceAudience: audience }: AnnouncementOptions,
  plan: OverlapPlan,
): SnapshotMetadataService {
  return {
    metadata: { name, annotations: { [publishedAnnotation]: publishedText(plan) } },
    spec: { address, audience, caCert: encodeBundle(plan.bundle) },
  };
}

/** Sorted, so that the same always is the same text. */
function publishedText({ published }: OverlapPlan): string {
  return JSON.stringify(Object.fromEntries(Object.entries(published).toSorted(([a], [b]) => (a < b ? -1 : 1))));
}
