/** One byte range of a volume: [byteOffset, byteOffset + sizeBytes). */
export interface BlockRange {
  readonly byteOffset: bigint;
  readonly sizeBytes: bigint;
}

/**
 * How much of a volume is named, from the least to the most: what changed since an earlier snapshot; what holds data; the
 * whole volume, without asking anyone.
 */
export type MetadataTier = "delta" | "allocated" | "full";

/** Names of the wire's enum; a number stands for a value this client does not know. */
export type BlockMetadataTypeName = "UNKNOWN" | "FIXED_LENGTH" | "VARIABLE_LENGTH";

/** One message of the stream, in the order received. `ranges` may be empty. */
export interface MetadataRecord {
  /** Counts from 1 over the whole iteration, resumed streams included. */
  readonly number: number;
  readonly type: BlockMetadataTypeName;
  /** The same in every record. */
  readonly volumeCapacityBytes: bigint;
  readonly ranges: readonly BlockRange[];
}

/** First byte after the range. */
export function endOf(range: BlockRange): bigint {
  return range.byteOffset + range.sizeBytes;
}
