import type { BlockMetadataTypeName, BlockRange, MetadataRecord } from "../../snapshotmetadata/client/index.ts";
import type { Emitter } from "./table.ts";

/** Numbers of the wire's enum. */
const typeNumbers: Record<BlockMetadataTypeName, number> = { UNKNOWN: 0, FIXED_LENGTH: 1, VARIABLE_LENGTH: 2 };

/**
 * One array, one element per record, no line break. As Go's encoder does it: what is zero or empty is left out. After
 * an error the array stays open, so that nobody takes it for a complete list.
 */
export function jsonEmitter(): Emitter {
  let first = true;
  return {
    record: (record) => {
      const lead = first ? "[" : ",";
      first = false;
      return lead + element(record);
    },
    done: () => (first ? "[]" : "]"),
  };
}

function element({ type, volumeCapacityBytes, ranges }: MetadataRecord): string {
  const fields = [
    ...field("block_metadata_type", typeNumbers[type]),
    ...field("volume_capacity_bytes", volumeCapacityBytes),
    ...(ranges.length === 0 ? [] : [`"block_metadata":[${ranges.map(tuple).join(",")}]`]),
  ];
  return `{${fields.join(",")}}`;
}

function tuple({ byteOffset, sizeBytes }: BlockRange): string {
  return `{${[...field("byte_offset", byteOffset), ...field("size_bytes", sizeBytes)].join(",")}}`;
}

/** By hand, because JSON.stringify can not write a bigint as the integer it is. */
function field(name: string, value: number | bigint): string[] {
  return value === 0 || value === 0n ? [] : [`"${name}":${value}`];
}
