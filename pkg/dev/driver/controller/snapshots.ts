import { randomUUID } from "node:crypto";
import type * as csi from "../../../gen/csi/v1/csi.ts";
import { Refusal } from "../rpc/refusal.ts";
import { removeFile } from "../store/durable-file.ts";
import type { SnapshotRecord } from "../store/records.ts";
import { checkParameters, requireText, sameParameters } from "./arguments.ts";
import type { CallContext, ControllerContext } from "./context.ts";
import { snapshotMessage } from "./messages.ts";
import { pageOf } from "./pages.ts";

/** Cuts a snapshot, ready when the call returns. The same name and source return the same snapshot. */
export async function createSnapshot(
  context: ControllerContext,
  request: csi.CreateSnapshotRequest,
  call: CallContext,
): Promise<csi.CreateSnapshotResponse> {
  requireText("name", request.name);
  requireText("source_volume_id", request.sourceVolumeId);
  checkParameters("parameters", request.parameters);
  return await context.locks.run(`snapshot name ${request.name}`, call.signal, async () => {
    const known = context.store.snapshots.byName(request.name);
    if (known === undefined) {
      return await context.locks.run(`volume ${request.sourceVolumeId}`, call.signal, () => cut(context, request));
    }
    if (known.sourceVolumeId !== request.sourceVolumeId) throw exists(request.name, "of another source_volume_id");
    if (!sameParameters(known.parameters, request.parameters)) throw exists(request.name, "with other parameters");
    return { snapshot: snapshotMessage(known) };
  });
}

function exists(name: string, how: string): Refusal {
  return new Refusal("ALREADY_EXISTS", `name: a snapshot ${JSON.stringify(name)} exists, ${how}`);
}

async function cut(
  context: ControllerContext,
  request: csi.CreateSnapshotRequest,
): Promise<csi.CreateSnapshotResponse> {
  const { store } = context;
  const volume = store.volumes.get(request.sourceVolumeId);
  if (volume === undefined) {
    throw new Refusal("NOT_FOUND", `source_volume_id: volume ${JSON.stringify(request.sourceVolumeId)} does not exist`);
  }
  const bytes = Number(volume.sizeBytes);
  const createdMs = context.clock.now();
  const record: SnapshotRecord = {
    id: `snap-${randomUUID()}`,
    name: request.name,
    order: store.snapshots.nextOrder(createdMs),
    sizeBytes: volume.sizeBytes,
    parameters: request.parameters,
    sourceVolumeId: volume.id,
    createdMs,
  };
  await store.snapshots.add(record, (path) =>
    context.copier.copyMoment(
      { from: store.volumes.dataPath(volume.id), to: path, sourceBytes: bytes, bytes, signal: context.stopping },
      () => removeFile(path),
    ),
  );
  return { snapshot: snapshotMessage(record) };
}

/** Removes a snapshot; volumes restored from it stay. An unknown one is no error. */
export async function deleteSnapshot(
  context: ControllerContext,
  request: csi.DeleteSnapshotRequest,
  call: CallContext,
): Promise<csi.DeleteSnapshotResponse> {
  requireText("snapshot_id", request.snapshotId);
  await context.locks.run(`snapshot ${request.snapshotId}`, call.signal, () =>
    context.store.snapshots.remove(request.snapshotId),
  );
  return {};
}

/** Oldest first; an unknown id or volume gives an empty list. */
export async function listSnapshots(
  context: ControllerContext,
  request: csi.ListSnapshotsRequest,
): Promise<csi.ListSnapshotsResponse> {
  const { snapshotId, sourceVolumeId } = request;
  const wanted = context.store.snapshots
    .all()
    .filter((each) => snapshotId === "" || each.id === snapshotId)
    .filter((each) => sourceVolumeId === "" || each.sourceVolumeId === sourceVolumeId);
  const page = pageOf(wanted, request.maxEntries, request.startingToken);
  return {
    entries: page.items.map((record) => ({ snapshot: snapshotMessage(record) })),
    nextToken: page.nextToken,
  };
}

export async function getSnapshot(
  context: ControllerContext,
  request: csi.GetSnapshotRequest,
): Promise<csi.GetSnapshotResponse> {
  requireText("snapshot_id", request.snapshotId);
  const record = context.store.snapshots.get(request.snapshotId);
  if (record === undefined) {
    throw new Refusal("NOT_FOUND", `snapshot_id: snapshot ${JSON.stringify(request.snapshotId)} does not exist`);
  }
  return { snapshot: snapshotMessage(record) };
}
