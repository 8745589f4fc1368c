import { type FileHandle, open } from "node:fs/promises";
import {
  BlockMetadataType,
  type GetMetadataAllocatedRequest,
  type GetMetadataAllocatedResponse,
  type GetMetadataDeltaRequest,
} from "../../../gen/csi/v1/csi.ts";
import type { Extent } from "../blocks/extents.ts";
import type { Run } from "../blocks/runs.ts";
import { changedRuns, nonZeroRuns, type ScanRange } from "../blocks/scan.ts";
import { dataExtents } from "../blocks/sparse-map.ts";
import { tupleBatches } from "../blocks/tuples.ts";
import { requireText } from "../controller/arguments.ts";
import { corrupted } from "../faults/corrupt.ts";
import type { Call } from "../rpc/handlers.ts";
import { Refusal } from "../rpc/refusal.ts";
import type { SnapshotRecord } from "../store/records.ts";
import type { MetadataContext } from "./context.ts";
import { planOf, type StreamPlan } from "./plan.ts";

/** Answers of both methods have one shape. */
type Message = GetMetadataAllocatedResponse;

/** The blocks of a snapshot that hold anything but zeros. */
export async function metadataAllocated(
  context: MetadataContext,
  request: GetMetadataAllocatedRequest,
  call: Call,
): Promise<AsyncIterable<Message>> {
  const snapshot = snapshotOf(context, "snapshot_id", request.snapshotId);
  const plan = planOf(context, snapshot, request);
  const data = await openData(context, snapshot);
  return messages(context, plan, call, [data], (range) => nonZeroRuns(data.file, range));
}

/** The blocks that differ between two snapshots of one volume, in whichever order they were cut. */
export async function metadataDelta(
  context: MetadataContext,
  request: GetMetadataDeltaRequest,
  call: Call,
): Promise<AsyncIterable<Message>> {
  const base = snapshotOf(context, "base_snapshot_id", request.baseSnapshotId);
  const target = snapshotOf(context, "target_snapshot_id", request.targetSnapshotId);
  if (base.sourceVolumeId !== target.sourceVolumeId) {
    const found = `base_snapshot_id is of volume ${base.sourceVolumeId}, target_snapshot_id of ${target.sourceVolumeId}`;
    throw new Refusal("INVALID_ARGUMENT", `${found}; both must be of one volume`);
  }
  const plan = planOf(context, target, request);
  const old = await openData(context, base);
  const now = await openData(context, target).catch(async (thrown: unknown) => {
    await old.file.close();
    throw thrown;
  });
  const baseBytes = Number(base.sizeBytes);
  return messages(context, plan, call, [old, now], (range) => changedRuns(old.file, baseBytes, now.file, range));
}

function snapshotOf(context: MetadataContext, field: string, id: string): SnapshotRecord {
  requireText(field, id);
  const record = context.store.snapshots.get(id);
  if (record === undefined) throw new Refusal("NOT_FOUND", `${field}: snapshot ${JSON.stringify(id)} does not exist`);
  return record;
}

/** The data of one snapshot, and where in it there is any. */
interface Data {
  readonly file: FileHandle;
  readonly extents: readonly Extent[];
}

/** Once open, the data stays readable although the snapshot is deleted. */
async function openData(context: MetadataContext, record: SnapshotRecord): Promise<Data> {
  const path = context.store.snapshots.dataPath(record.id);
  try {
    const extents = await dataExtents(path, Number(record.sizeBytes));
    return { file: await open(path, "r"), extents };
  } catch (thrown) {
    if (context.store.snapshots.get(record.id) !== undefined) throw thrown;
    throw new Refusal("NOT_FOUND", `snapshot ${JSON.stringify(record.id)} was deleted meanwhile`);
  }
}

async function* messages(
  context: MetadataContext,
  plan: StreamPlan,
  call: Call,
  data: readonly Data[],
  scan: (range: ScanRange) => AsyncIterable<readonly Run[]>,
): AsyncGenerator<Message> {
  try {
    const extents = data.flatMap((each) => each.extents);
    const range = { ...plan, to: Number(plan.capacityBytes), extents, signal: call.signal };
    const whole = batches(context, plan, scan(range));
    const how = call.fault?.corrupt;
    if (how === undefined) yield* whole;
    else yield* corrupted(whole, { how, atTuple: call.fault?.atTuple ?? 1, blockSize: plan.blockSize });
  } finally {
    await Promise.all(data.map(({ file }) => file.close()));
  }
}

async function* batches(
  context: MetadataContext,
  plan: StreamPlan,
  runs: AsyncIterable<readonly Run[]>,
): AsyncGenerator<Message> {
  const options = { type: context.blockType, blockSize: plan.blockSize, max: plan.maxTuples };
  for await (const blockMetadata of tupleBatches(runs, options)) {
    yield {
      blockMetadataType: BlockMetadataType[context.blockType],
      volumeCapacityBytes: plan.capacityBytes,
      blockMetadata,
    };
  }
}
