import { mkdtemp, open, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connectDriver, type DriverConnection } from "../../../csi/index.ts";
import {
  type BlockMetadata,
  ControllerService,
  CreateSnapshotRequest,
  CreateVolumeRequest,
  GetMetadataAllocatedRequest,
  type GetMetadataAllocatedResponse,
  GetMetadataDeltaRequest,
  type Snapshot,
  SnapshotMetadataService,
  type Volume,
  type VolumeCapability,
} from "../../../gen/csi/v1/csi.ts";
import { silentLogger } from "../../../runtime/log/index.ts";

/** A message with any of its fields left out. */
type Partial_<T> = { readonly [K in keyof T]?: Partial<T[K]> | T[K] };

/** Raw block, one writer: what most tests need. */
export const blockCapability: VolumeCapability = {
  accessType: { $case: "block", value: {} },
  accessMode: { mode: 1 },
};

/** What one metadata stream gave. */
export interface Metadata {
  readonly messages: readonly GetMetadataAllocatedResponse[];
  readonly tuples: readonly BlockMetadata[];
}

/** The calls that tests make, over a real connection. */
export class DriverClient implements AsyncDisposable {
  readonly connection: DriverConnection;

  constructor(address: string) {
    this.connection = connectDriver({ address, log: silentLogger(), timeoutMs: 20_000 });
  }

  async createVolume(name: string, bytes: bigint, more: Partial_<CreateVolumeRequest> = {}): Promise<Volume> {
    const capacityRange = { requiredBytes: bytes, limitBytes: 0n };
    const request = { name, capacityRange, volumeCapabilities: [blockCapability], ...more };
    const answer = await this.connection.call(
      ControllerService.createVolume,
      CreateVolumeRequest.fromPartial(request as never),
      { waitForReady: true },
    );
    return answer.volume ?? never("volume");
  }

  async createSnapshot(name: string, sourceVolumeId: string): Promise<Snapshot> {
    const answer = await this.connection.call(
      ControllerService.createSnapshot,
      CreateSnapshotRequest.fromPartial({ name, sourceVolumeId }),
      { waitForReady: true },
    );
    return answer.snapshot ?? never("snapshot");
  }

  /** A volume that holds what the snapshot holds. */
  async restore(name: string, snapshotId: string): Promise<Volume> {
    return await this.createVolume(name, 0n, {
      volumeContentSource: { type: { $case: "snapshot", value: { snapshotId } } },
    });
  }

  async allocated(request: Partial<GetMetadataAllocatedRequest>): Promise<Metadata> {
    const method = SnapshotMetadataService.getMetadataAllocated;
    const bytes = method.requestSerialize(GetMetadataAllocatedRequest.fromPartial(request));
    return await this.#collect(method.path, bytes);
  }

  async delta(request: Partial<GetMetadataDeltaRequest>): Promise<Metadata> {
    const method = SnapshotMetadataService.getMetadataDelta;
    const bytes = method.requestSerialize(GetMetadataDeltaRequest.fromPartial(request));
    return await this.#collect(method.path, bytes);
  }

  async #collect(path: string, request: Buffer): Promise<Metadata> {
    const messages: GetMetadataAllocatedResponse[] = [];
    const decode = SnapshotMetadataService.getMetadataAllocated.responseDeserialize;
    for await (const bytes of this.connection.openStream(path, request, { waitForReady: true })) {
      messages.push(decode(bytes));
    }
    return { messages, tuples: messages.flatMap((each) => each.blockMetadata) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.connection.close();
  }
}

/** A folder that goes when the test ends. */
export interface TestFolder extends AsyncDisposable {
  readonly path: string;
}

export async function testFolder(): Promise<TestFolder> {
  const path = await mkdtemp(join(tmpdir(), "dev-driver-"));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

/** Writes to a volume as its user would: straight to its device. */
export async function writeTo(volume: Volume, at: number, bytes: Buffer): Promise<void> {
  await using file = await open(devicePath(volume), "r+");
  await file.write(bytes, 0, bytes.length, at);
  await file.sync();
}

/** Path of the file that stands for the volume's device. */
export function devicePath(volume: Volume): string {
  return volume.volumeContext["devicePath"] ?? never("devicePath");
}

/** Names of everything in the state folder, sorted. */
export async function filesOf(stateDir: string): Promise<string[]> {
  const entries = await readdir(stateDir, { recursive: true, withFileTypes: true });
  return entries
    .filter((each) => each.isFile())
    .map((each) => each.name)
    .sort();
}

/** Tuples as [offset, size] in units of `unit` bytes, which are easier to read than bytes. */
export function inUnits(tuples: readonly BlockMetadata[], unit: number): [number, number][] {
  return tuples.map((each) => [Number(each.byteOffset) / unit, Number(each.sizeBytes) / unit]);
}

function never(what: string): never {
  throw new Error(`the driver answered without ${what}`);
}
