import { statfs, truncate } from "node:fs/promises";
import type * as csi from "../../../gen/csi/v1/csi.ts";
import { Refusal } from "../rpc/refusal.ts";
import { syncFile } from "../store/durable-file.ts";
import type { VolumeRecord } from "../store/records.ts";
import { accessTypes, capabilityProblem, checkCapabilities, checkParameters, requireText } from "./arguments.ts";
import { checkRange, chooseBytes, satisfies } from "./capacity.ts";
import type { CallContext, ControllerContext } from "./context.ts";
import { volumeMessage } from "./messages.ts";
import { pageOf } from "./pages.ts";

/** Removes a volume; its snapshots stay. An unknown one is no error. */
export async function deleteVolume(
  context: ControllerContext,
  request: csi.DeleteVolumeRequest,
  call: CallContext,
): Promise<csi.DeleteVolumeResponse> {
  requireText("volume_id", request.volumeId);
  await context.locks.run(`volume ${request.volumeId}`, call.signal, () =>
    context.store.volumes.remove(request.volumeId),
  );
  return {};
}

/** Oldest first. */
export async function listVolumes(
  context: ControllerContext,
  request: csi.ListVolumesRequest,
): Promise<csi.ListVolumesResponse> {
  const page = pageOf(context.store.volumes.all(), request.maxEntries, request.startingToken);
  return {
    entries: page.items.map((record) => ({ volume: volumeMessage(context, record), status: undefined })),
    nextToken: page.nextToken,
  };
}

export async function controllerGetVolume(
  context: ControllerContext,
  request: csi.ControllerGetVolumeRequest,
): Promise<csi.ControllerGetVolumeResponse> {
  const record = existing(context, request.volumeId);
  return {
    volume: volumeMessage(context, record),
    status: { publishedNodeIds: [], volumeCondition: undefined },
  };
}

/** Confirms what the volume was made for; an answer without `confirmed` says what does not fit. */
export async function validateVolumeCapabilities(
  context: ControllerContext,
  request: csi.ValidateVolumeCapabilitiesRequest,
): Promise<csi.ValidateVolumeCapabilitiesResponse> {
  requireText("volume_id", request.volumeId);
  if (request.volumeCapabilities.length === 0) throw new Refusal("INVALID_ARGUMENT", "volume_capabilities is required");
  const record = existing(context, request.volumeId);
  checkParameters("parameters", request.parameters);
  const message = misfit(record, request.volumeCapabilities);
  if (message !== undefined) return { confirmed: undefined, message };
  const { volumeContext, volumeCapabilities, parameters, mutableParameters } = request;
  return { confirmed: { volumeContext, volumeCapabilities, parameters, mutableParameters }, message: "" };
}

function misfit(record: VolumeRecord, capabilities: readonly csi.VolumeCapability[]): string | undefined {
  for (const [index, capability] of capabilities.entries()) {
    const problem = capabilityProblem(capability);
    if (problem !== undefined) return `volume_capabilities[${index}]: ${problem}`;
  }
  const foreign = accessTypes(capabilities).find((each) => !record.access.includes(each));
  return foreign === undefined ? undefined : `the volume was made for ${record.access.join(" and ")}, not ${foreign}`;
}

/** Free bytes of the file system that holds the state folder; volumes are sparse, so more may be promised. */
export async function getCapacity(
  context: ControllerContext,
  request: csi.GetCapacityRequest,
): Promise<csi.GetCapacityResponse> {
  checkParameters("parameters", request.parameters);
  const unusable = request.volumeCapabilities.some((each) => capabilityProblem(each) !== undefined);
  const { bavail, bsize } = await statfs(context.stateDir, { bigint: true });
  return {
    availableCapacity: unusable ? 0n : bavail * bsize,
    maximumVolumeSize: context.maxVolumeBytes,
    minimumVolumeSize: BigInt(context.blockSize),
  };
}

/** Grows a volume, also while it is in use. A volume that already satisfies the range stays as it is. */
export async function controllerExpandVolume(
  context: ControllerContext,
  request: csi.ControllerExpandVolumeRequest,
  call: CallContext,
): Promise<csi.ControllerExpandVolumeResponse> {
  requireText("volume_id", request.volumeId);
  if (request.capacityRange === undefined) throw new Refusal("INVALID_ARGUMENT", "capacity_range is required");
  const range = checkRange(request.capacityRange);
  if (request.volumeCapability !== undefined) checkCapabilities([request.volumeCapability]);
  return await context.locks.run(`volume ${request.volumeId}`, call.signal, async () => {
    const record = existing(context, request.volumeId);
    const grown = satisfies(record.sizeBytes, range) ? record : await grow(context, record, range);
    return { capacityBytes: grown.sizeBytes, nodeExpansionRequired: false };
  });
}

async function grow(context: ControllerContext, record: VolumeRecord, range: csi.CapacityRange): Promise<VolumeRecord> {
  if (range.limitBytes > 0n && record.sizeBytes > range.limitBytes) {
    throw new Refusal("OUT_OF_RANGE", `the volume has ${record.sizeBytes} bytes; volumes do not shrink`);
  }
  const sizeBytes = chooseBytes(range, undefined, context);
  const path = context.store.volumes.dataPath(record.id);
  await truncate(path, Number(sizeBytes));
  await syncFile(path);
  const grown = { ...record, sizeBytes };
  await context.store.volumes.update(grown);
  return grown;
}

function existing(context: ControllerContext, id: string): VolumeRecord {
  requireText("volume_id", id);
  const record = context.store.volumes.get(id);
  if (record === undefined) throw new Refusal("NOT_FOUND", `volume_id: volume ${JSON.stringify(id)} does not exist`);
  return record;
}
