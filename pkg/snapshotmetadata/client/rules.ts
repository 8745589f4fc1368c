import { BlockMetadataType } from "../../gen/snapshotmetadata/snapshotmetadata.ts";
import { MetadataFailure, type StreamRule } from "./failure.ts";
import { type BlockMetadataTypeName, type BlockRange, endOf } from "./record.ts";
import type { MetadataMessage } from "./transport.ts";

/** Judges the messages of one iteration, over resumed streams too. */
export interface RuleCheck {
  /** The message's ranges, without what was seen before a resume. Throws MetadataFailure (StreamViolation). */
  accept(message: MetadataMessage): readonly BlockRange[];
  /** A new stream begins at the current offset. */
  resumed(): void;
  /** Another question is asked from the beginning; only before the first range. */
  restarted(): void;
  readonly offset: bigint;
  readonly capacity: bigint | undefined;
}

const broken = (rule: StreamRule, message: string): MetadataFailure =>
  new MetadataFailure("terminal", "StreamViolation", `the metadata stream breaks the rules of CSI: ${message}`, {
    rule,
  });

/** Rules of the CSI specification for metadata streams; `startingOffset` as it was asked for, in bytes. */
export function ruleCheck(startingOffset: bigint): RuleCheck {
  let type: number | undefined;
  let capacity: bigint | undefined;
  let fixedSize: bigint | undefined;
  let offset = startingOffset;
  let first = true;
  let clip = false;

  const constant = (message: MetadataMessage): void => {
    type ??= message.blockMetadataType;
    capacity ??= message.volumeCapacityBytes;
    if (message.blockMetadataType !== type) {
      throw broken("type", `the type changed from ${nameOf(type)} to ${nameOf(message.blockMetadataType)}`);
    }
    if (message.volumeCapacityBytes !== capacity) {
      throw broken("capacity", `the capacity changed from ${capacity} to ${message.volumeCapacityBytes} bytes`);
    }
  };

  const judge = (range: BlockRange): void => {
    const { byteOffset, sizeBytes } = range;
    const shown = `range at ${byteOffset}, ${sizeBytes} bytes`;
    if (sizeBytes <= 0n) throw broken("size", `${shown}: the size must be above zero`);
    if (byteOffset < 0n) throw broken("order", `${shown}: the offset is negative`);
    if (first && endOf(range) <= offset)
      throw broken("start", `${shown}: ends at or before the offset asked for, ${offset}`);
    if (!first && byteOffset < offset)
      throw broken("order", `${shown}: begins before ${offset}, where the last one ended`);
    if (capacity !== undefined && byteOffset >= capacity) {
      throw broken("capacity", `${shown}: begins beyond the capacity of ${capacity} bytes`);
    }
    if (type !== BlockMetadataType.FIXED_LENGTH) return;
    fixedSize ??= sizeBytes;
    if (sizeBytes !== fixedSize) throw broken("fixed-length", `${shown}: others have ${fixedSize} bytes`);
  };

  return {
    get offset() {
      return offset;
    },
    get capacity() {
      return capacity;
    },
    resumed: () => {
      first = true;
      clip = capacity !== undefined;
    },
    restarted: () => {
      [type, capacity, fixedSize] = [undefined, undefined, undefined];
      clip = false;
    },
    accept: (message) => {
      constant(message);
      return message.blockMetadata.map((range) => {
        judge(range);
        // A resumed stream may begin with a range rounded down to the driver's alignment.
        const seen = clip && first && range.byteOffset < offset;
        const fresh = seen ? { byteOffset: offset, sizeBytes: endOf(range) - offset } : range;
        first = false;
        offset = endOf(range);
        return fresh;
      });
    },
  };
}

/** Name of a type on the wire; unknown numbers read as UNKNOWN, as the original's clients print them. */
export function nameOf(type: number): BlockMetadataTypeName {
  if (type === BlockMetadataType.FIXED_LENGTH) return "FIXED_LENGTH";
  return type === BlockMetadataType.VARIABLE_LENGTH ? "VARIABLE_LENGTH" : "UNKNOWN";
}
