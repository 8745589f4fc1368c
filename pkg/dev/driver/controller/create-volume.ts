import { randomUUID } from "node:crypto";
import type { CreateVolumeRequest, CreateVolumeResponse, VolumeContentSource } from "../../../gen/csi/v1/csi.ts";
import { createSparse } from "../blocks/sparse-copy.ts";
import { Refusal } from "../rpc/refusal.ts";
import { removeFile } from "../store/durable-file.ts";
import type { VolumeRecord } from "../store/records.ts";
import { accessTypes, checkCapabilities, checkParameters, requireText, sameParameters } from "./arguments.ts";
import { checkRange, chooseBytes, satisfies } from "./capacity.ts";
import type { CallContext, ControllerContext } from "./context.ts";
import { volumeMessage } from "./messages.ts";

type Source = NonNullable<VolumeRecord["source"]>;

/** Makes a volume: empty, from a snapshot, or as a clone. The same name and arguments return the same volume. */
export async function createVolume(
  context: ControllerContext,
  request: CreateVolumeRequest,
  call: CallContext,
): Promise<CreateVolumeResponse> {
  requireText("name", request.name);
  checkCapabilities(request.volumeCapabilities);
  checkParameters("parameters", request.parameters);
  checkParameters("mutable_parameters", request.mutableParameters);
  const range = checkRange(request.capacityRange);
  const source = sourceOf(request.volumeContentSource);
  return await context.locks.run(`volume name ${request.name}`, call.signal, async () => {
    const known = context.store.volumes.byName(request.name);
    if (known !== undefined) {
      const difference = differenceOf(known, request, source, satisfies(known.sizeBytes, range));
      if (difference === undefined) return { volume: volumeMessage(context, known) };
      throw new Refusal("ALREADY_EXISTS", `volume ${JSON.stringify(request.name)} exists with ${difference}`);
    }
    const record = await makeVolume(context, request, call, source);
    return { volume: volumeMessage(context, record) };
  });
}

function sourceOf(source: VolumeContentSource | undefined): Source | undefined {
  if (source === undefined) return undefined;
  if (source.type === undefined) {
    throw new Refusal("INVALID_ARGUMENT", "volume_content_source.type is required: snapshot or volume");
  }
  if (source.type.$case === "snapshot") {
    requireText("volume_content_source.snapshot.snapshot_id", source.type.value.snapshotId);
    return { kind: "snapshot", id: source.type.value.snapshotId };
  }
  requireText("volume_content_source.volume.volume_id", source.type.value.volumeId);
  return { kind: "volume", id: source.type.value.volumeId };
}

function differenceOf(
  known: VolumeRecord,
  request: CreateVolumeRequest,
  source: Source | undefined,
  sizeFits: boolean,
): string | undefined {
  if (!sizeFits) return `${known.sizeBytes} bytes, outside of capacity_range`;
  if (known.source?.kind !== source?.kind || known.source?.id !== source?.id) return "another volume_content_source";
  if (known.access.join() !== accessTypes(request.volumeCapabilities).join()) return "other volume_capabilities";
  if (!sameParameters(known.parameters, request.parameters)) return "other parameters";
  return undefined;
}

async function makeVolume(
  context: ControllerContext,
  request: CreateVolumeRequest,
  call: CallContext,
  source: Source | undefined,
): Promise<VolumeRecord> {
  if (source === undefined) {
    const record = newRecord(context, request, undefined, undefined);
    await context.store.volumes.add(record, (path) => createSparse(path, Number(record.sizeBytes)));
    return record;
  }
  // A volume that is being copied neither grows nor goes; a snapshot never changes.
  if (source.kind === "volume") {
    return await context.locks.run(`volume ${source.id}`, call.signal, () => fillFrom(context, request, source));
  }
  return await fillFrom(context, request, source);
}

async function fillFrom(
  context: ControllerContext,
  request: CreateVolumeRequest,
  source: Source,
): Promise<VolumeRecord> {
  const shelf = source.kind === "volume" ? context.store.volumes : context.store.snapshots;
  const found = shelf.get(source.id);
  if (found === undefined) {
    throw new Refusal("NOT_FOUND", `volume_content_source: ${source.kind} ${JSON.stringify(source.id)} does not exist`);
  }
  const record = newRecord(context, request, source, found.sizeBytes);
  await context.store.volumes.add(record, async (path) => {
    const copy = {
      from: shelf.dataPath(source.id),
      to: path,
      sourceBytes: Number(found.sizeBytes),
      bytes: Number(record.sizeBytes),
      signal: context.stopping,
    };
    if (source.kind === "volume") await context.copier.copyMoment(copy, () => removeFile(path));
    else await context.copier.copy(copy);
  });
  return record;
}

function newRecord(
  context: ControllerContext,
  request: CreateVolumeRequest,
  source: Source | undefined,
  sourceBytes: bigint | undefined,
): VolumeRecord {
  return {
    id: `vol-${randomUUID()}`,
    name: request.name,
    order: context.store.volumes.nextOrder(context.clock.now()),
    sizeBytes: chooseBytes(checkRange(request.capacityRange), sourceBytes, context),
    parameters: request.parameters,
    access: accessTypes(request.volumeCapabilities),
    ...(source === undefined ? {} : { source }),
  };
}
