import { Failure } from "../../runtime/errors/index.ts";
import type { Failpoint } from "../../runtime/failpoints/index.ts";
import { type Clock, systemClock } from "../../runtime/timing/index.ts";
import type { BlockRange } from "../client/index.ts";
import { chunkBytes, chunksOf, cut, safe } from "./chunks.ts";
import { compareDevices, differenceBlockBytes } from "./compare.ts";
import { type Device, isBlockDevice, openDevice, readFully, writeFully } from "./device.ts";
import { describeDifference, type RebuildReport, type Verification } from "./report.ts";
import { type PendingTarget, pendingFile, pendingInPlace } from "./target.ts";

/** Where the ranges come from; a MetadataStream fits. */
export interface RangeStream {
  ranges(): AsyncIterable<BlockRange>;
  readonly progress: {
    readonly messages: number;
    readonly ranges: number;
    readonly rangeBytes: bigint;
    readonly wireBytes: number;
    readonly resumes: number;
    readonly volumeCapacityBytes: bigint | undefined;
    readonly complete: boolean;
  };
}

export interface RebuildOptions {
  readonly metadata: RangeStream;
  /** Device restored from the snapshot; only the named ranges are read, and everything once more to verify. */
  readonly sourcePath: string;
  /** Image of the earlier snapshot. Absent: unnamed ranges are zero in a new file, as they were in place. */
  readonly basePath?: string;
  /** The target holds the earlier snapshot itself: a file is copied first, a device is changed where it stands. */
  readonly ontoTarget?: boolean;
  readonly targetPath: string;
  /** Overwrite a file where it stands, as is always done with a block device. */
  readonly inPlace?: boolean;
  readonly verification: Verification;
  readonly failpoint?: Failpoint<RebuildStep>;
  readonly clock?: Clock;
  readonly signal?: AbortSignal;
}

/** The steps after which a crash must leave no target that looks complete. */
export const rebuildSteps = ["base-copied", "chunk-applied", "all-applied", "verified"] as const;
export type RebuildStep = (typeof rebuildSteps)[number];

/**
 * Builds the state of a snapshot: the base, and on top of it the named ranges as the source device has them. The
 * target appears, or becomes whole again, only when every range was seen and, with `full`, every byte compared.
 * Throws a Failure (reason VerificationFailed when the result differs) and leaves the target as it was; a device that
 * is overwritten in place is left without its first MiB.
 */
export async function rebuildDevice(options: RebuildOptions): Promise<RebuildReport> {
  const inPlace = options.inPlace || (await isBlockDevice(options.targetPath));
  const basePath = options.basePath ?? (options.ontoTarget && !inPlace ? options.targetPath : undefined);
  const source = await openDevice(options.sourcePath, "read", "source-device-path");
  try {
    const base = basePath ? await openDevice(basePath, "read", "base-image") : undefined;
    try {
      return await build({ ...options, inPlace }, source, base);
    } finally {
      await base?.handle.close();
    }
  } finally {
    await source.handle.close();
  }
}

/** Bytes moved; written by the steps, read by the report. */
interface Tally {
  sourceBytesRead: number;
  baseBytesRead: number;
  targetBytesWritten: number;
}

async function build(options: RebuildOptions, source: Device, base: Device | undefined): Promise<RebuildReport> {
  const { metadata, signal, verification, clock = systemClock, failpoint = () => undefined } = options;
  const ranges = await peek(metadata.ranges());
  const capacity = capacityOf(metadata, source, base);
  const bounds = { sizeBytes: capacity, readFrom: base ? [source, base] : [source] };
  const target = options.inPlace
    ? await pendingInPlace(options.targetPath, bounds)
    : await pendingFile(options.targetPath, { ...bounds, replaceable: options.ontoTarget ? base : undefined });
  const tally: Tally = { sourceBytesRead: 0, baseBytesRead: 0, targetBytesWritten: 0 };
  const laps = stopwatch(clock);
  try {
    if (base) await copyBase(base, target, Math.min(base.sizeBytes, capacity), tally, signal);
    const baseMs = laps();
    await failpoint("base-copied", signal);
    for await (const { position, length } of chunksOf(ranges, () => capacity)) {
      signal?.throwIfAborted();
      await copyChunk(source, target, position, length, tally);
      await failpoint("chunk-applied", signal);
    }
    // The iteration ends quietly only when it is complete; this is the last line of defence, not the first.
    if (!metadata.progress.complete) throw new Failure("transient", "Incomplete", "the metadata stream ended early");
    await target.device.handle.sync();
    const applyMs = laps();
    await failpoint("all-applied", signal);
    const verifiedBytes = verification === "full" ? await verify(source, target, capacity, signal) : 0;
    await failpoint("verified", signal);
    const verifyMs = laps();
    await target.publish(source);
    tally.sourceBytesRead += target.heldBytes;
    tally.targetBytesWritten += target.heldBytes;
    const { messages, wireBytes, resumes, ranges: count, rangeBytes } = metadata.progress;
    return {
      targetPath: options.targetPath,
      volumeCapacityBytes: capacity,
      ...{ ranges: count, rangeBytes: safe(rangeBytes), messages, wireBytes, resumes },
      ...tally,
      ...{ baseMs, applyMs, verifyMs, verification, verifiedBytes },
    };
  } finally {
    await target.abandon();
  }
}

/** Pulls the first range, so that the volume's capacity is known before the target is made. */
async function peek(ranges: AsyncIterable<BlockRange>): Promise<AsyncIterable<BlockRange>> {
  const iterator = ranges[Symbol.asyncIterator]();
  const first = await iterator.next();
  return (async function* () {
    if (!first.done) yield first.value;
    yield* { [Symbol.asyncIterator]: () => iterator };
  })();
}

/** A stream without messages does not tell the capacity; then the source device does. */
function capacityOf({ progress }: RangeStream, source: Device, base: Device | undefined): number {
  const capacity = safe(progress.volumeCapacityBytes ?? BigInt(source.sizeBytes));
  const misfit = (message: string): Failure => new Failure("terminal", "SizeMismatch", message);
  if (source.sizeBytes < capacity) {
    throw misfit(`--source-device-path=${source.path} has ${source.sizeBytes} bytes, the snapshot has ${capacity}`);
  }
  if (base && base.sizeBytes > capacity) {
    throw misfit(
      `--base-image=${base.path} has ${base.sizeBytes} bytes, more than the snapshot's ${capacity}: is it of this volume?`,
    );
  }
  return capacity;
}

async function copyBase(
  base: Device,
  target: PendingTarget,
  length: number,
  tally: Tally,
  signal?: AbortSignal,
): Promise<void> {
  for (const chunk of cut(0, length)) {
    signal?.throwIfAborted();
    const bytes = Buffer.allocUnsafe(chunk.length);
    await readFully(base, bytes, chunk.position);
    tally.baseBytesRead += chunk.length;
    await put(target, bytes, chunk.position, tally);
  }
}

async function copyChunk(
  source: Device,
  target: PendingTarget,
  position: number,
  length: number,
  tally: Tally,
): Promise<void> {
  // The held beginning is read once, when it is published.
  const from = Math.max(position, target.heldBytes);
  const bytes = Buffer.allocUnsafe(Math.max(0, position + length - from));
  if (bytes.length === 0) return;
  await readFully(source, bytes, from);
  tally.sourceBytesRead += bytes.length;
  await writeFully(target.device.handle, bytes, from);
  tally.targetBytesWritten += bytes.length;
}

const zeros = Buffer.alloc(chunkBytes);

/** Writes base bytes: no zeros where the target is empty anyway, so that it stays sparse, and no held beginning. */
async function put(target: PendingTarget, bytes: Buffer, position: number, tally: Tally): Promise<void> {
  const grain = target.startsEmpty ? sparseGrainBytes : chunkBytes;
  for (let at = Math.max(0, target.heldBytes - position); at < bytes.length; at += grain) {
    const piece = bytes.subarray(at, Math.min(at + grain, bytes.length));
    if (target.startsEmpty && piece.equals(zeros.subarray(0, piece.length))) continue;
    await writeFully(target.device.handle, piece, position + at);
    tally.targetBytesWritten += piece.length;
  }
}

/** Holes smaller than this are not worth a call. */
const sparseGrainBytes = 128 * 1024;

async function verify(source: Device, target: PendingTarget, capacity: number, signal?: AbortSignal): Promise<number> {
  const bounds = { from: target.heldBytes, to: capacity, ...(signal ? { signal } : {}) };
  const comparison = await compareDevices(source, target.device, bounds);
  if (comparison.differingBlocks === 0) return comparison.comparedBytes;
  throw new Failure(
    "terminal",
    "VerificationFailed",
    `the rebuilt image is not the snapshot: ${describeDifference(comparison, differenceBlockBytes)}; nothing was left at ${target.device.path}`,
  );
}

function stopwatch(clock: Clock): () => number {
  let last = clock.monotonic();
  return () => {
    const now = clock.monotonic();
    const lap = now - last;
    last = now;
    return lap;
  };
}
