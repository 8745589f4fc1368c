import { SnapshotMetadataService } from "../../apis/cbt/index.ts";
import { apiVersionOf } from "../../apis/schema/index.ts";
import { isAlreadyExists, isForbidden, isInvalid, isNotFound, type KubeClient } from "../../kube/client/index.ts";
import { type Reconciler, requeueAfter } from "../../kube/controller/index.ts";
import type { EventRecorder } from "../../kube/events/index.ts";
import type { Reader } from "../../kube/informer/index.ts";
import { messageOf } from "../../runtime/errors/index.ts";
import type { Logger } from "../../runtime/log/index.ts";
import type { Clock } from "../../runtime/timing/index.ts";
import { decodeBundle } from "./bundle.ts";
import { type Certificates, leadsTo, readCertificates } from "./certificates.ts";
import { type Finding, findingsOf } from "./findings.ts";
import type { AnnouncementMeter } from "./metrics.ts";
import type { AnnouncementOptions } from "./options.ts";
import { type OverlapPlan, planOverlap, publishedAnnotation } from "./overlap.ts";
import { changesTo, newService } from "./service-object.ts";

export interface AnnouncerDeps {
  readonly options: AnnouncementOptions;
  readonly client: Pick<KubeClient, "create" | "patch">;
  readonly services: Pick<Reader<SnapshotMetadataService>, "find">;
  /** False while changes of the object are not told, and it has to be looked at again and again. */
  readonly watching: () => boolean;
  readonly recorder: Pick<EventRecorder, "event">;
  readonly meter: AnnouncementMeter;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Dates come nearer without anything changing. */
const lookAgainMs = 300_000;
/** Without a watch, or without a right that a person may grant any time. */
const lookSoonMs = 30_000;
/** Another replica was faster: its change is about to be told. */
const raceMs = 1_000;

/**
 * Brings the SnapshotMetadataService object of this name to what flags and files say, and tells what a person has to
 * put right. Several replicas may do so at once: they write the same, and only on top of what they have read.
 */
export function announcer(deps: AnnouncerDeps): Reconciler {
  const { options, services, watching, meter, clock } = deps;
  const tell = teller(deps);
  return async (name, { signal }) => {
    const [certificates, service] = await Promise.all([readCertificates(options), services.find({ name }, { signal })]);
    const plan = planFor(service, certificates, options, clock.now());
    const written = await write(deps, name, service, plan, signal);
    const present = service === undefined ? [] : decodeBundle(service.spec.caCert);
    const findings = [
      ...findingsOf({
        ...certificates,
        address: options.serviceAddress || (service?.spec.address ?? ""),
        trusted: plan?.bundle ?? present,
        overdue: plan?.overdue ?? [],
        nowMs: clock.now(),
      }),
      ...written.findings,
    ];
    meter.looked(certificates, findings);
    tell(service ?? nameOnly(name), findings);
    const steady = watching() && written.findings.length === 0;
    return requeueAfter(Math.min(written.againMs, plan?.nextMs ?? lookAgainMs, steady ? lookAgainMs : lookSoonMs));
  };
}

/** What `caCert` is to hold; undefined where the file says nothing. */
function planFor(
  service: SnapshotMetadataService | undefined,
  { authorities, chain }: Certificates,
  { serviceCaOverlap: overlapMs }: AnnouncementOptions,
  nowMs: number,
): OverlapPlan | undefined {
  if (authorities.length === 0) return undefined;
  return planOverlap({
    wanted: authorities,
    present: service === undefined ? [] : decodeBundle(service.spec.caCert),
    annotation: service?.metadata.annotations?.[publishedAnnotation],
    overlapMs,
    nowMs,
    needed: (certificate) => !leadsTo(authorities, chain) && leadsTo([certificate], chain),
  });
}

interface Written {
  readonly findings: readonly Finding[];
  /** Milliseconds after which to look again at the latest. */
  readonly againMs: number;
}

const settled: Written = { findings: [], againMs: lookAgainMs };

/** Creates or changes the object where that is needed; a refusal of the API server becomes a finding. */
async function write(
  deps: AnnouncerDeps,
  name: string,
  service: SnapshotMetadataService | undefined,
  plan: OverlapPlan | undefined,
  signal: AbortSignal,
): Promise<Written> {
  try {
    return service === undefined ? await create(deps, name, plan, signal) : await change(deps, service, plan, signal);
  } catch (thrown) {
    if (isForbidden(thrown))
      return { findings: [{ reason: "Forbidden", message: messageOf(thrown) }], againMs: lookSoonMs };
    if (isInvalid(thrown))
      return { findings: [{ reason: "Refused", message: messageOf(thrown) }], againMs: lookAgainMs };
    // Made or deleted by somebody else since it was read.
    if (isAlreadyExists(thrown) || isNotFound(thrown)) return { findings: [], againMs: raceMs };
    throw thrown;
  }
}

async function create(
  { options, client, recorder, log }: AnnouncerDeps,
  name: string,
  plan: OverlapPlan | undefined,
  signal: AbortSignal,
): Promise<Written> {
  if (!options.serviceCreate) {
    const message = `SnapshotMetadataService ${name} does not exist; create it, or let --service-create do so`;
    return { findings: [{ reason: "ServiceMissing", message }], againMs: lookAgainMs };
  }
  // A file that can not be used is a finding already.
  if (plan === undefined) return settled;
  const made = await client.create(SnapshotMetadataService, newService(name, options, plan), { signal });
  log.info({ address: made.spec.address, certificates: plan.bundle.length }, "SnapshotMetadataService created");
  recorder.event(made, "Normal", "ServiceCreated", `made for clients, who find the service at ${made.spec.address}`);
  return settled;
}

async function change(
  { options, client, recorder, log }: AnnouncerDeps,
  service: SnapshotMetadataService,
  plan: OverlapPlan | undefined,
  signal: AbortSignal,
): Promise<Written> {
  const { fields, patch } = changesTo(service, options, plan);
  if (fields.length === 0 || service.metadata.deletionTimestamp !== undefined) return settled;
  const { uid, resourceVersion, name = "" } = service.metadata;
  // Only on top of what was read, and only this object: a namesake made anew is looked at first.
  const body = { ...patch, metadata: { ...patch.metadata, uid, resourceVersion } };
  await client.patch(SnapshotMetadataService, { name }, { type: "merge", body }, { signal });
  log.info({ fields, certificates: plan?.bundle.length }, "SnapshotMetadataService changed");
  const visible = fields.filter((field) => field.startsWith("spec."));
  if (visible.length > 0) recorder.event(service, "Normal", "ServiceUpdated", `${visible.join(", ")} put right`);
  return settled;
}

/** Logs and records each finding when it appears, and says when it is gone. */
function teller({ recorder, log }: AnnouncerDeps): (service: SnapshotMetadataService, now: readonly Finding[]) => void {
  let told = new Map<string, Finding>();
  return (service, findings) => {
    const now = new Map(findings.map((each) => [`${each.reason}: ${each.message}`, each]));
    for (const [key, { reason, message }] of now) {
      if (told.has(key)) continue;
      log.warn({ reason, detail: message }, "SnapshotMetadataService needs attention");
      recorder.event(service, "Warning", reason, message);
    }
    for (const [key, { reason }] of told) if (!now.has(key)) log.info({ reason }, "put right");
    told = now;
  };
}

/** What events about a missing object name. */
function nameOnly(name: string): SnapshotMetadataService {
  return {
    apiVersion: apiVersionOf(SnapshotMetadataService),
    kind: SnapshotMetadataService.kind,
    metadata: { name },
    spec: { address: "", audience: "", caCert: "" },
  };
}
