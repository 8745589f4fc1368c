import { describe, expect, it } from "vitest";
import type { MetadataRecord } from "../../snapshotmetadata/client/index.ts";
import { jsonEmitter } from "./json.ts";
import { type Emitter, tableEmitter } from "./table.ts";

function aRecord(
  number: number,
  ranges: readonly (readonly [bigint, bigint])[],
  rest: Partial<MetadataRecord> = {},
): MetadataRecord {
  return {
    number,
    type: "FIXED_LENGTH",
    volumeCapacityBytes: 100000n,
    ranges: ranges.map(([byteOffset, sizeBytes]) => ({ byteOffset, sizeBytes })),
    ...rest,
  };
}

const whole = (emitter: Emitter, records: readonly MetadataRecord[]): string =>
  records.map((record) => emitter.record(record)).join("") + emitter.done();

describe("table, as the original prints it", () => {
  it.each<[string, readonly MetadataRecord[], string]>([
    ["no records: nothing", [], ""],
    [
      "header once, then a row per range, right-aligned",
      [
        aRecord(1, [[0n, 8000n]], { type: "VARIABLE_LENGTH" }),
        aRecord(
          2,
          [
            [300000n, 1000n],
            [700000n, 10000000n],
          ],
          { type: "VARIABLE_LENGTH", volumeCapacityBytes: 10995116277760n },
        ),
      ],
      [
        "Record#   VolCapBytes  BlockMetadataType   ByteOffset     SizeBytes",
        "------- -------------- ----------------- -------------- --------------",
        "      1         100000   VARIABLE_LENGTH              0           8000",
        "      2 10995116277760   VARIABLE_LENGTH         300000           1000",
        "      2 10995116277760   VARIABLE_LENGTH         700000       10000000",
        "",
      ].join("\n"),
    ],
    [
      "an empty record: the header alone",
      [aRecord(1, [])],
      "Record#   VolCapBytes  BlockMetadataType   ByteOffset     SizeBytes\n------- -------------- ----------------- -------------- --------------\n",
    ],
  ])("%s", (_, records, text) => expect(whole(tableEmitter(), records)).toBe(text));
});

describe("JSON, as the original prints it", () => {
  it.each<[string, readonly MetadataRecord[], string]>([
    ["no records: an empty array", [], "[]"],
    [
      "zeros left out, no line break",
      [
        aRecord(1, [
          [0n, 1000n],
          [5000n, 1000n],
        ]),
      ],
      '[{"block_metadata_type":1,"volume_capacity_bytes":100000,"block_metadata":[{"size_bytes":1000},{"byte_offset":5000,"size_bytes":1000}]}]',
    ],
    [
      "several records, one of them empty and of unknown type",
      [
        aRecord(1, [[0n, 1n]], { type: "VARIABLE_LENGTH" }),
        aRecord(2, [], { type: "UNKNOWN", volumeCapacityBytes: 0n }),
      ],
      '[{"block_metadata_type":2,"volume_capacity_bytes":100000,"block_metadata":[{"size_bytes":1}]},{}]',
    ],
    [
      "integers beyond 2^53 exactly",
      [aRecord(1, [[9007199254740993n, 1n]])],
      '[{"block_metadata_type":1,"volume_capacity_bytes":100000,"block_metadata":[{"byte_offset":9007199254740993,"size_bytes":1}]}]',
    ],
  ])("%s", (_, records, text) => expect(whole(jsonEmitter(), records)).toBe(text));

  it("stays open when the list breaks off", () => {
    const emitter = jsonEmitter();
    expect(emitter.record(aRecord(1, []))).toBe('[{"block_metadata_type":1,"volume_capacity_bytes":100000}');
  });
});
