import type { MetadataStream } from "../../../snapshotmetadata/client/index.ts";
import { type Density, density } from "./density.ts";

/** One row of the map: what a snapshot holds, or what changed since the one before it. */
export interface Layer {
  readonly name: string;
  /** The snapshot before; absent where all allocated blocks are shown. */
  readonly since?: string;
  /** When the snapshot was cut, in ISO 8601. */
  readonly createdAt?: string;
  readonly driverName: string;
  /** 0 when neither the driver nor the API tells. */
  readonly capacityBytes: number;
  readonly rangeBytes: number;
  readonly ranges: number;
  readonly where: Density;
}

/** Everything that a map draws. */
export interface Survey {
  readonly namespace: string;
  readonly layers: readonly Layer[];
}

/** Reads a stream to its end and tells how many bytes of the volume were passed. Throws what the stream throws. */
export async function readLayer(
  metadata: MetadataStream,
  since: string | undefined,
  onProgress: (doneBytes: number, wholeBytes: number) => void,
): Promise<Layer> {
  const where = density();
  for await (const { ranges, volumeCapacityBytes } of metadata) {
    for (const { byteOffset, sizeBytes } of ranges) where.add(Number(byteOffset), Number(sizeBytes));
    onProgress(Number(metadata.progress.offset), Number(volumeCapacityBytes));
  }
  const { target, progress } = metadata;
  return {
    name: target.snapshotName,
    ...(since === undefined ? {} : { since }),
    ...(target.createdAt ? { createdAt: target.createdAt } : {}),
    driverName: target.driverName,
    // A stream without ranges does not tell; then the driver told when it cut the snapshot.
    capacityBytes: Number(progress.volumeCapacityBytes ?? target.restoreSizeBytes ?? 0n),
    rangeBytes: Number(progress.rangeBytes),
    ranges: progress.ranges,
    where,
  };
}

/** Bytes that the map is wide: the largest of the layers, as a volume may have grown. */
export function spanOf({ layers }: Survey): number {
  return Math.max(...layers.map(({ capacityBytes }) => capacityBytes), 0);
}

/** The layers that show changes. */
export function deltasOf({ layers }: Survey): readonly Layer[] {
  return layers.filter(({ since }) => since !== undefined);
}

/** In how many of the deltas each of `count` equal pieces of the volume changed. */
export function timesChanged(survey: Survey, count: number): number[] {
  const times = new Array<number>(count).fill(0);
  for (const { where } of deltasOf(survey)) {
    where.shares(count, spanOf(survey)).forEach((share, piece) => {
      if (share > 0) times[piece] = (times[piece] ?? 0) + 1;
    });
  }
  return times;
}

/** Names of layers that are older than the one before them: their delta runs backwards in time. */
export function outOfOrder({ layers }: Survey): readonly string[] {
  return layers.flatMap(({ name, createdAt }, at) => {
    const before = layers[at - 1]?.createdAt;
    return createdAt && before && Date.parse(createdAt) < Date.parse(before) ? [name] : [];
  });
}

/** The least share of a piece that counts as each shade, from the lightest; less than that, but not nothing, is the first. */
export const shadeSteps = [0, 0.01, 0.1, 0.5] as const;

/** Shade of a share: 0 for nothing, else 1 to 4. */
export function shadeOf(share: number): number {
  return share > 0 ? shadeSteps.findLastIndex((least) => share >= least) + 1 : 0;
}

/** 1 to 4: how hot a region is that changed in `times` of `deltas`. */
export function heatOf(times: number, deltas: number): number {
  return Math.max(1, Math.ceil((4 * times) / deltas));
}

/** Where the scale has marks: round numbers of bytes, about `count` of them, 0 included. */
export function ticksOf(spanBytes: number, count: number): number[] {
  if (spanBytes <= 0) return [0];
  const step = 2 ** Math.ceil(Math.log2(spanBytes / count));
  const marks = Math.floor(spanBytes / step) + 1;
  return Array.from({ length: marks }, (_, at) => at * step);
}
