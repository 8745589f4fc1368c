import type { MetadataRecord } from "../../snapshotmetadata/client/index.ts";

/** Turns records into text, as the original lister prints them. */
export interface Emitter {
  record(record: MetadataRecord): string;
  /** After the last record of a complete iteration, and only then. */
  done(): string;
}

const header =
  "Record#   VolCapBytes  BlockMetadataType   ByteOffset     SizeBytes\n" +
  "------- -------------- ----------------- -------------- --------------\n";

/** One row per range; nothing at all when there is no record. */
export function tableEmitter(): Emitter {
  let first = true;
  return {
    record: ({ number, volumeCapacityBytes, type, ranges }) => {
      const lead = `${right(number, 7)} ${right(volumeCapacityBytes, 14)} ${right(type, 17)}`;
      const rows = ranges.map(
        ({ byteOffset, sizeBytes }) => `${lead} ${right(byteOffset, 14)} ${right(sizeBytes, 14)}\n`,
      );
      const head = first ? header : "";
      first = false;
      return head + rows.join("");
    },
    done: () => "",
  };
}

function right(value: string | number | bigint, width: number): string {
  return String(value).padStart(width);
}
