import type { VolumeSnapshot, VolumeSnapshotContent } from "../../../apis/snapshot/index.ts";
import { bindingFault } from "../../../storage/binding/index.ts";
import { isDnsLabel, isDnsSubdomain } from "../../../storage/secrets/index.ts";
import { Refusal } from "../refusals.ts";

/** Reads of the objects that a call depends on; `undefined` means the object does not exist. */
export interface SnapshotReads {
  snapshot(namespace: string, name: string, signal: AbortSignal): Promise<VolumeSnapshot | undefined>;
  content(name: string, signal: AbortSignal): Promise<VolumeSnapshotContent | undefined>;
}

/** A snapshot that is ready, with the content it is bound to, both checked. */
export interface ReadySnapshot {
  readonly snapshot: VolumeSnapshot;
  readonly content: VolumeSnapshotContent;
  readonly handle: string;
}

/**
 * The snapshot behind a name: found, ready, bound both ways, and of this driver.
 *
 * @throws Refusal naming the object and what is wrong with it.
 */
export async function resolveTarget(
  reads: SnapshotReads,
  driverName: string,
  { namespace, snapshotName }: { readonly namespace: string; readonly snapshotName: string },
  signal: AbortSignal,
): Promise<ReadySnapshot> {
  checkNames(namespace, snapshotName);
  const here = `VolumeSnapshot ${namespace}/${snapshotName}`;
  const snapshot = await reads.snapshot(namespace, snapshotName, signal);
  if (!snapshot) throw new Refusal("snapshotMissing", `${here} does not exist`);
  const contentName = boundContentName(snapshot, here);
  const content = await reads.content(contentName, signal);
  if (!content) {
    throw new Refusal("contentMissing", `VolumeSnapshotContent ${contentName} of ${here} does not exist`);
  }
  const handle = checkContent(content, snapshot, driverName);
  return { snapshot, content, handle };
}

function checkNames(namespace: string, name: string): void {
  if (!isDnsLabel(namespace)) throw new Refusal("malformedName", `namespace ${quoted(namespace)} is no valid name`);
  if (!isDnsSubdomain(name)) throw new Refusal("malformedName", `snapshot name ${quoted(name)} is no valid name`);
}

/**
 * In quotes, and on one line: it goes into logs and to terminals. The longest object name is 253 characters; what is
 * longer is not worth repeating.
 */
const quoted = (text: string): string => JSON.stringify(text.length > 253 ? `${text.slice(0, 253)}…` : text);

function boundContentName(snapshot: VolumeSnapshot, here: string): string {
  const { status } = snapshot;
  if (status?.readyToUse !== true) {
    const why = status?.error?.message ? `: ${status.error.message}` : "";
    throw new Refusal("snapshotNotReady", `${here} is not ready to use${why}`);
  }
  if (!status.boundVolumeSnapshotContentName) {
    throw new Refusal("snapshotNotReady", `${here} is not bound to a VolumeSnapshotContent`);
  }
  return status.boundVolumeSnapshotContentName;
}

function checkContent(content: VolumeSnapshotContent, snapshot: VolumeSnapshot, driverName: string): string {
  const here = `VolumeSnapshotContent ${content.metadata.name ?? ""}`;
  const fault = bindingFault(snapshot, content);
  if (fault !== undefined) throw new Refusal("contentNotOurs", fault);
  if (content.status?.readyToUse !== true) throw new Refusal("contentNotReady", `${here} is not ready to use`);
  const handle = content.status.snapshotHandle;
  if (!handle) throw new Refusal("contentNotReady", `${here} has no snapshot handle`);
  if (content.spec.driver !== driverName) {
    throw new Refusal(
      "otherDriver",
      `${here} belongs to driver ${content.spec.driver}; this server is for ${driverName}`,
    );
  }
  return handle;
}
