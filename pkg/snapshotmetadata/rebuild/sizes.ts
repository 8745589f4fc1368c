import { Failure } from "../../runtime/errors/index.ts";
import type { BlockRange, MetadataTier } from "../client/index.ts";
import { chunkBytes, cut, safe } from "./chunks.ts";
import { type Device, readFully } from "./device.ts";
import { zeros } from "./fill.ts";

/** What the stream told when its first range, or its end, was seen. */
interface Told {
  readonly tier?: MetadataTier | undefined;
  readonly volumeCapacityBytes: bigint | undefined;
}

/**
 * Size of the snapshot in bytes. The source device tells it where no message did, and where it is read whole anyway: a
 * driver that can not tell blocks need not tell the size well. Throws a Failure (SizeMismatch) when the sizes can not be
 * those of one volume.
 */
export function capacityOf(told: Told, source: Device, base: Device | undefined): number {
  const capacity = safe(told.volumeCapacityBytes ?? BigInt(source.sizeBytes));
  const shown = `--source-device-path=${source.path} has ${source.sizeBytes} bytes`;
  if (source.sizeBytes < capacity) throw misfit(`${shown}, the snapshot has ${capacity}`);
  if (told.tier === "full") return source.sizeBytes;
  if (capacity <= 0 && source.sizeBytes > 0) {
    throw misfit(
      `${shown}, but the driver says that the volume's capacity is ${capacity}: nothing can be built from that`,
    );
  }
  if (base && base.sizeBytes > capacity) {
    throw misfit(
      `--base-image=${base.path} has ${base.sizeBytes} bytes, more than the snapshot's ${capacity}: is it of this volume?`,
    );
  }
  return capacity;
}

/**
 * A storage system may round a restored volume up, or be asked for a larger one; what is there beyond the snapshot was
 * never written. Anything else there may be data that a capacity told too small hides: throws a Failure (SizeMismatch).
 */
export async function refuseTail(
  source: Device,
  capacity: number,
  onPassed: (doneBytes: number) => void,
  signal?: AbortSignal,
): Promise<void> {
  const buffer = Buffer.allocUnsafe(Math.min(chunkBytes, Math.max(0, source.sizeBytes - capacity)));
  for (const { position, length } of cut(capacity, source.sizeBytes)) {
    signal?.throwIfAborted();
    const bytes = buffer.subarray(0, length);
    await readFully(source, bytes, position);
    onPassed(position + length);
    if (bytes.equals(zeros.subarray(0, length))) continue;
    throw misfit(
      `--source-device-path=${source.path} has ${source.sizeBytes} bytes, the snapshot has ${capacity} as the driver says, ` +
        `and byte ${position + bytes.findIndex((byte) => byte !== 0)} beyond them is not zero: restore the snapshot to a ` +
        "device of its own size, or use --verify=none if those bytes are none of its",
    );
  }
}

/** The ranges, and after them what the source has beyond the last. */
export async function* toTheEnd(ranges: AsyncIterable<BlockRange>, source: Device): AsyncGenerator<BlockRange, void> {
  let end = 0n;
  for await (const range of ranges) {
    yield range;
    end = range.byteOffset + range.sizeBytes;
  }
  const size = BigInt(source.sizeBytes);
  if (end < size) yield { byteOffset: end, sizeBytes: size - end };
}

function misfit(message: string): Failure {
  return new Failure("terminal", "SizeMismatch", message);
}
