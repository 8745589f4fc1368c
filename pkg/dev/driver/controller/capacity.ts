import type { CapacityRange } from "../../../gen/csi/v1/csi.ts";
import { Refusal } from "../rpc/refusal.ts";

const defaultBytes = 1024n * 1024n * 1024n;

/** What the driver can give. */
export interface CapacityRules {
  readonly blockSize: number;
  readonly maxVolumeBytes: bigint;
}

/** Refuses a range that no volume could satisfy. */
export function checkRange(range: CapacityRange | undefined): CapacityRange {
  const { requiredBytes, limitBytes } = range ?? { requiredBytes: 0n, limitBytes: 0n };
  if (requiredBytes < 0n)
    throw new Refusal("INVALID_ARGUMENT", `capacity_range.required_bytes ${requiredBytes} is negative`);
  if (limitBytes < 0n) throw new Refusal("INVALID_ARGUMENT", `capacity_range.limit_bytes ${limitBytes} is negative`);
  if (limitBytes > 0n && requiredBytes > limitBytes) {
    throw new Refusal(
      "INVALID_ARGUMENT",
      `capacity_range.required_bytes ${requiredBytes} is larger than limit_bytes ${limitBytes}`,
    );
  }
  return { requiredBytes, limitBytes };
}

/**
 * Bytes of a new volume: what is required, rounded up to whole blocks, so that every block of it has the same size.
 * Without a requirement: the size of the source, else 1 GiB, or the limit if that is less.
 */
export function chooseBytes(range: CapacityRange, sourceBytes: bigint | undefined, rules: CapacityRules): bigint {
  const { requiredBytes, limitBytes } = range;
  const block = BigInt(rules.blockSize);
  const wished = requiredBytes > 0n ? requiredBytes : (sourceBytes ?? fallback(limitBytes, block));
  const bytes = ((wished + block - 1n) / block) * block;
  if (sourceBytes !== undefined && bytes < sourceBytes) {
    const asked = `capacity_range.required_bytes ${requiredBytes}`;
    throw new Refusal("OUT_OF_RANGE", `${asked} is smaller than the content source, which has ${sourceBytes} bytes`);
  }
  if (limitBytes > 0n && bytes > limitBytes) {
    const why = `the volume would have ${bytes} bytes, a multiple of the block size ${rules.blockSize}`;
    throw new Refusal("OUT_OF_RANGE", `capacity_range.limit_bytes ${limitBytes} can not be kept: ${why}`);
  }
  if (bytes > rules.maxVolumeBytes) {
    throw new Refusal(
      "OUT_OF_RANGE",
      `capacity_range.required_bytes ${wished} is beyond the driver's maximum of ${rules.maxVolumeBytes} bytes`,
    );
  }
  return bytes;
}

/** Whether a volume of this size is what the range asks for. */
export function satisfies(bytes: bigint, { requiredBytes, limitBytes }: CapacityRange): boolean {
  return bytes >= requiredBytes && (limitBytes === 0n || bytes <= limitBytes);
}

function fallback(limitBytes: bigint, block: bigint): bigint {
  if (limitBytes === 0n || limitBytes >= defaultBytes) return defaultBytes;
  return limitBytes >= block ? limitBytes - (limitBytes % block) : block;
}
