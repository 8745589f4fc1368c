import { BinaryWriter } from "@bufbuild/protobuf/wire";
import { type BlockMetadataType, GetMetadataAllocatedResponse } from "../../pkg/gen/csi/v1/csi.ts";
import type { RawDriverCall } from "./raw-driver.ts";

export const blockBytes = 4096;

/** A tuple, as offset and size. */
export type Tuple = readonly [offset: number | bigint, size: number | bigint];

/** An encoded message of a driver; of the type FIXED_LENGTH unless told otherwise. */
export function messageOf(
  tuples: readonly Tuple[],
  { type = 1 as BlockMetadataType, capacity = 2n ** 50n } = {},
): Buffer {
  const blockMetadata = tuples.map(([offset, size]) => ({ byteOffset: BigInt(offset), sizeBytes: BigInt(size) }));
  const whole = { blockMetadataType: type, volumeCapacityBytes: capacity, blockMetadata };
  return Buffer.from(GetMetadataAllocatedResponse.encode(whole).finish());
}

/** Message number `n` of a well-behaved driver: one block, and a field nobody knows that makes it about so large. */
export function message(n: number, sizeBytes = 64): Buffer {
  const known = messageOf([[n * blockBytes, blockBytes]]);
  const padding = new Uint8Array(Math.max(0, sizeBytes - known.length - 6));
  const unknown = new BinaryWriter().uint32((15 << 3) | 2).bytes(padding);
  return Buffer.concat([known, unknown.finish()]);
}

/** Writes such messages as the transport takes them; tells how many went out. */
export function pour(
  call: RawDriverCall,
  count: number,
  sizeBytes: number,
  done: () => void,
): { readonly sent: number } {
  const progress = { sent: 0 };
  const next = (): void => {
    while (progress.sent < count && !call.cancelled) {
      const room = call.write(message(progress.sent, sizeBytes));
      progress.sent += 1;
      if (!room) return void call.once("drain", next);
    }
    done();
  };
  next();
  return progress;
}
