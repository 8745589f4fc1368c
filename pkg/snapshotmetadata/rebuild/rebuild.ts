import { Failure } from "../../runtime/errors/index.ts";
import type { Failpoint } from "../../runtime/failpoints/index.ts";
import { type Clock, systemClock } from "../../runtime/timing/index.ts";
import type { BlockRange, MetadataTier } from "../client/index.ts";
import { chunksOf, cut, safe } from "./chunks.ts";
import { compareDevices, differenceBlockBytes } from "./compare.ts";
import { type Device, isBlockDevice, openDevice, readFully } from "./device.ts";
import { put, zero } from "./fill.ts";
import { describeDifference, type RebuildReport, type Verification } from "./report.ts";
import { capacityOf, refuseTail, toTheEnd } from "./sizes.ts";
import { type PendingTarget, pendingFile, pendingInPlace } from "./target.ts";

/** Where the ranges come from; a MetadataStream fits. */
export interface RangeStream {
  ranges(): AsyncIterable<BlockRange>;
  /** What the ranges are, settled with the first of them. Anything but a delta does without a base. Absent: as asked for. */
  readonly tier?: MetadataTier;
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
  /** Image of the earlier snapshot. Absent: what no range names is zero, unless `ontoTarget`. */
  readonly basePath?: string;
  /** The target holds the earlier snapshot itself: a file is copied first, a device is changed where it stands. */
  readonly ontoTarget?: boolean;
  readonly targetPath: string;
  /** Overwrite a file where it stands, as is always done with a block device. */
  readonly inPlace?: boolean;
  readonly verification: Verification;
  readonly onProgress?: (progress: RebuildProgress) => void;
  readonly failpoint?: Failpoint<RebuildStep>;
  readonly clock?: Clock;
  readonly signal?: AbortSignal;
}

/** How far a rebuild is. */
export interface RebuildProgress {
  readonly phase: "base" | "ranges" | "verify";
  /** Byte of the volume up to which this phase is done. */
  readonly doneBytes: number;
  readonly wholeBytes: number;
}

/** The steps after which a crash must leave no target that looks complete. */
export const rebuildSteps = ["base-copied", "chunk-applied", "all-applied", "verified"] as const;
export type RebuildStep = (typeof rebuildSteps)[number];

/**
 * Builds the state of a snapshot: the base, and on top of it the named ranges as the source device has them. The
 * target appears, or becomes whole again, only when every range was seen and, with `full`, every byte compared. Without
 * ranges (tier `full`) the whole source is read.
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
}

async function build(asked: RebuildOptions, source: Device, opened: Device | undefined): Promise<RebuildReport> {
  const { metadata, signal, verification, clock = systemClock, failpoint = () => undefined } = asked;
  const told = await peek(metadata.ranges());
  // Ranges that are no delta name all there is: on top of a base, what was freed since would stay.
  const isDelta = metadata.tier === undefined || metadata.tier === "delta";
  const base = isDelta ? opened : undefined;
  const options = isDelta ? asked : { ...asked, ontoTarget: false };
  const { volumeCapacityBytes } = metadata.progress;
  const capacity = capacityOf({ tier: metadata.tier, volumeCapacityBytes }, source, base);
  const ranges = metadata.tier === "full" ? toTheEnd(told, source) : told;
  const laps = stopwatch(clock);
  const { onProgress = () => {} } = options;
  const passed =
    (phase: RebuildProgress["phase"], wholeBytes = capacity) =>
    (doneBytes: number) =>
      onProgress({ phase, doneBytes, wholeBytes });
  if (verification === "full") await refuseTail(source, capacity, passed("verify", source.sizeBytes), signal);
  const tailMs = laps();
  const bounds = { sizeBytes: capacity, readFrom: base ? [source, base] : [source] };
  const target = options.inPlace
    ? await pendingInPlace(options.targetPath, bounds)
    : await pendingFile(options.targetPath, { ...bounds, replaceable: options.ontoTarget ? base : undefined });
  const tally: Tally = { sourceBytesRead: 0, baseBytesRead: 0 };
  try {
    if (target.lostBytes > 0 && options.ontoTarget && !base) await restoreBeginning(source, target, options, tally);
    if (base) await copyBase(base, target, Math.min(base.sizeBytes, capacity), tally, passed("base"), signal);
    const baseMs = laps();
    await failpoint("base-copied", signal);
    let filled = filledBytes(options, base, target, capacity);
    for await (const { position, length } of chunksOf(ranges, () => capacity)) {
      signal?.throwIfAborted();
      await zero(target, filled, position, signal);
      await copyChunk(source, target, position, length, tally);
      filled = Math.max(filled, position + length);
      passed("ranges")(position + length);
      await failpoint("chunk-applied", signal);
    }
    // The iteration ends quietly only when it is complete; this is the last line of defence, not the first.
    if (!metadata.progress.complete) throw new Failure("transient", "Incomplete", "the metadata stream ended early");
    await zero(target, filled, capacity, signal);
    await target.sync();
    const applyMs = laps();
    await failpoint("all-applied", signal);
    const verifiedBytes =
      verification === "full" ? await verify(source, target, capacity, passed("verify"), signal) : 0;
    await failpoint("verified", signal);
    const verifyMs = tailMs + laps();
    await target.publish();
    const { messages, wireBytes, resumes, ranges: count, rangeBytes } = metadata.progress;
    return {
      targetPath: options.targetPath,
      ...{ volumeCapacityBytes: capacity, sourceSizeBytes: source.sizeBytes },
      ...{ ranges: count, rangeBytes: safe(rangeBytes), messages, wireBytes, resumes },
      ...tally,
      targetBytesWritten: target.bytesWritten,
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

/** Only the source has the beginning that a crash has cost; whether it fits the rest shows when that is verified. */
async function restoreBeginning(
  source: Device,
  target: PendingTarget,
  { verification, targetPath }: RebuildOptions,
  tally: Tally,
): Promise<void> {
  if (verification === "full") return copyChunk(source, target, 0, target.lostBytes, tally);
  throw new Failure(
    "terminal",
    "TargetUnfinished",
    `--target-device-path=${targetPath} holds an earlier rebuild that did not finish, so changes alone do not make it ` +
      "whole: use --verify=full, or rebuild it from an image or from all allocated blocks",
  );
}

async function copyBase(
  base: Device,
  target: PendingTarget,
  length: number,
  tally: Tally,
  passed: (doneBytes: number) => void,
  signal?: AbortSignal,
): Promise<void> {
  for (const chunk of cut(0, length)) {
    signal?.throwIfAborted();
    const bytes = Buffer.allocUnsafe(chunk.length);
    await readFully(base, bytes, chunk.position);
    tally.baseBytesRead += chunk.length;
    await put(target, bytes, chunk.position);
    passed(chunk.position + chunk.length);
  }
}

async function copyChunk(
  source: Device,
  target: PendingTarget,
  position: number,
  length: number,
  tally: Tally,
): Promise<void> {
  const bytes = Buffer.allocUnsafe(length);
  await readFully(source, bytes, position);
  tally.sourceBytesRead += length;
  await target.write(bytes, position);
}

/** From here on, what no range names must become zero: it may be left from whatever the target held before. */
function filledBytes(
  { ontoTarget }: RebuildOptions,
  base: Device | undefined,
  { startsEmpty }: PendingTarget,
  capacity: number,
): number {
  if (startsEmpty) return capacity;
  if (base) return base.sizeBytes;
  return ontoTarget ? capacity : 0;
}

async function verify(
  source: Device,
  target: PendingTarget,
  capacity: number,
  onPassed: (doneBytes: number) => void,
  signal?: AbortSignal,
): Promise<number> {
  const comparison = await compareDevices(
    (buffer, position) => readFully(source, buffer, position),
    (buffer, position) => target.read(buffer, position),
    { length: capacity, onPassed, ...(signal ? { signal } : {}) },
  );
  if (comparison.differingBlocks === 0) return comparison.comparedBytes;
  const left = target.startsEmpty ? "nothing was left at" : "the beginning was not given back to";
  throw new Failure(
    "terminal",
    "VerificationFailed",
    `the rebuilt image is not the snapshot: ${describeDifference(comparison, differenceBlockBytes)}; ${left} ${target.path}`,
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
