import type { VolumeSnapshotContent } from "../../../apis/snapshot/index.ts";
import { bindingFault } from "../../../storage/binding/index.ts";
import { Refusal } from "../refusals.ts";
import type { ReadySnapshot, SnapshotReads } from "./target.ts";

/** The reads behind a base handle. */
export interface BaseReads extends Pick<SnapshotReads, "snapshot"> {
  /** Every VolumeSnapshotContent that carries the handle, of whatever driver and namespace. */
  contentsOf(handle: string, signal: AbortSignal): Promise<readonly VolumeSnapshotContent[]>;
}

/** The handles a content carries: the one its driver gave it, and the one a person found it by. */
export function handlesOf({ spec, status }: VolumeSnapshotContent): readonly string[] {
  const handles = [status?.snapshotHandle, spec.source.snapshotHandle];
  return [...new Set(handles.filter((each) => each !== undefined && each !== ""))] as string[];
}

export interface BaseQuestion {
  readonly driverName: string;
  readonly namespace: string;
  readonly handle: string;
  readonly target: ReadySnapshot;
}

/**
 * A base handle reaches the driver as it is, and would let a caller compare with any snapshot of the driver: so a handle
 * that a content carries must be of this driver and volume, and bound in the caller's namespace. One that none carries
 * is passed on, for the base may be deleted once it has served.
 *
 * @throws Refusal `baseForeign`, in the same words whatever is wrong in another namespace, or `baseMismatch`.
 */
export async function checkBase(reads: BaseReads, question: BaseQuestion, signal: AbortSignal): Promise<void> {
  const carriers = await reads.contentsOf(question.handle, signal);
  if (carriers.length === 0) return;
  let ownFault: string | undefined;
  for (const content of carriers) {
    if (!(await isHere(reads, content, question.namespace, signal))) continue;
    const fault = faultOf(content, question);
    if (fault === undefined) return;
    ownFault ??= fault;
  }
  if (ownFault !== undefined) throw new Refusal("baseMismatch", ownFault);
  throw new Refusal("baseForeign", `base_snapshot_id is of no snapshot in namespace "${question.namespace}"`);
}

/**
 * Whether a content is bound in this namespace. A snapshot that stands there under the name must be its own, and name no
 * other content; where it is gone, or another one has its name now, what the content says is all there is.
 */
async function isHere(
  reads: BaseReads,
  content: VolumeSnapshotContent,
  namespace: string,
  signal: AbortSignal,
): Promise<boolean> {
  const { name = "", namespace: bound, uid = "" } = content.spec.volumeSnapshotRef;
  if (bound !== namespace) return false;
  const snapshot = await reads.snapshot(namespace, name, signal);
  if (snapshot === undefined) return true;
  if (uid !== "" && uid !== snapshot.metadata.uid) return true;
  const named = snapshot.status?.boundVolumeSnapshotContentName;
  return bindingFault(snapshot, content) === undefined && (!named || named === content.metadata.name);
}

/** What a content of the caller's own namespace lacks as a base. */
function faultOf({ metadata, spec }: VolumeSnapshotContent, question: BaseQuestion): string | undefined {
  const here = `base_snapshot_id: VolumeSnapshotContent ${metadata.name ?? ""}`;
  if (spec.driver !== question.driverName) {
    return `${here} belongs to driver ${spec.driver}; this server is for ${question.driverName}`;
  }
  const [mine, theirs] = [question.target.content.spec.source.volumeHandle, spec.source.volumeHandle];
  if (!mine || !theirs || mine === theirs) return undefined;
  const { name, namespace } = question.target.snapshot.metadata;
  return `${here} is of another volume than VolumeSnapshot ${namespace}/${name}`;
}
