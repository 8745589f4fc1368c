import { Failure } from "../../runtime/errors/index.ts";
import type { BlockRange } from "../client/index.ts";
import { chunkBytes, chunksOf } from "./chunks.ts";
import { compareDevices, differenceBlockBytes } from "./compare.ts";
import { type Device, openDevice, readFully, refuseOverlap, writeFully } from "./device.ts";
import { describeDifference } from "./report.ts";

/** How far a verification is. */
export interface VerifyProgress {
  readonly phase: "copy" | "compare";
  /** Byte of the volume up to which this phase is done. */
  readonly doneBytes: number;
  readonly wholeBytes: number;
}

export interface VerifyOptions {
  /** Where the ranges come from; a MetadataStream fits. */
  readonly metadata: { ranges(): AsyncIterable<BlockRange>; readonly progress: { readonly complete: boolean } };
  /** Device restored from the snapshot; only read. */
  readonly sourcePath: string;
  /** Fresh device, or one restored from the earlier snapshot. It is changed. */
  readonly targetPath: string;
  readonly onProgress?: (progress: VerifyProgress) => void;
  readonly signal?: AbortSignal;
}

/**
 * Judges a driver's metadata: copies the named ranges from the source to the target, then compares both devices whole.
 * A range that was not named shows as a difference; one too many does not. Throws a Failure: VerificationFailed when
 * anything differs, the sizes too.
 */
export async function verifyDevice(options: VerifyOptions): Promise<void> {
  const source = await openDevice(options.sourcePath, "read", "source-device-path");
  try {
    const target = await openDevice(options.targetPath, "write", "target-device-path");
    try {
      refuseOverlap([source], options.targetPath, target.extents);
      await copyRanges(options, source, target);
      await compareWhole(options, source, target);
    } finally {
      await target.handle.close();
    }
  } finally {
    await source.handle.close();
  }
}

/** Only what both devices have: what reaches beyond one of them shows when the sizes are compared. */
async function copyRanges({ metadata, onProgress, signal }: VerifyOptions, source: Device, target: Device) {
  const wholeBytes = Math.min(source.sizeBytes, target.sizeBytes);
  const buffer = Buffer.allocUnsafe(chunkBytes);
  for await (const { position, length } of chunksOf(metadata.ranges(), () => wholeBytes)) {
    signal?.throwIfAborted();
    const bytes = buffer.subarray(0, length);
    await readFully(source, bytes, position);
    await writeFully(target.handle, bytes, position);
    onProgress?.({ phase: "copy", doneBytes: position + length, wholeBytes });
  }
  if (!metadata.progress.complete) throw new Failure("transient", "Incomplete", "the metadata stream ended early");
  await target.handle.sync();
}

async function compareWhole({ onProgress, signal }: VerifyOptions, source: Device, target: Device): Promise<void> {
  const differs = (what: string): Failure =>
    new Failure("terminal", "VerificationFailed", `--target-device-path=${target.path} is not the snapshot: ${what}`);
  if (source.sizeBytes !== target.sizeBytes) {
    throw differs(`it has ${target.sizeBytes} bytes, --source-device-path=${source.path} has ${source.sizeBytes}`);
  }
  const comparison = await compareDevices(
    (buffer, position) => readFully(source, buffer, position),
    (buffer, position) => readFully(target, buffer, position),
    {
      length: source.sizeBytes,
      onPassed: (doneBytes) => onProgress?.({ phase: "compare", doneBytes, wholeBytes: source.sizeBytes }),
      ...(signal ? { signal } : {}),
    },
  );
  if (comparison.differingBlocks > 0) throw differs(describeDifference(comparison, differenceBlockBytes));
}
