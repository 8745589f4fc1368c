import * as z from "zod";

const bytes = z.codec(z.string().regex(/^\d+$/), z.bigint(), { decode: BigInt, encode: String });

/** What every record has. `order` grows with each new record of a shelf and gives lists their order and tokens. */
const common = {
  id: z.string().min(1),
  name: z.string().min(1),
  order: z.int().positive(),
  sizeBytes: bytes,
  parameters: z.record(z.string(), z.string()),
};

/** Record of one volume, as kept in `volumes/<id>.json`. */
export const VolumeRecord = z.strictObject({
  ...common,
  access: z.array(z.enum(["block", "mount"])),
  source: z.strictObject({ kind: z.enum(["snapshot", "volume"]), id: z.string() }).optional(),
});
export type VolumeRecord = z.output<typeof VolumeRecord>;

/** Record of one snapshot, as kept in `snapshots/<id>.json`. `sizeBytes` is the volume's capacity at the cut. */
export const SnapshotRecord = z.strictObject({
  ...common,
  sourceVolumeId: z.string().min(1),
  /** Milliseconds since the epoch. */
  createdMs: z.int(),
});
export type SnapshotRecord = z.output<typeof SnapshotRecord>;

/** The fields a shelf needs of its records. */
export interface AnyRecord {
  readonly id: string;
  readonly name: string;
  readonly order: number;
  readonly sizeBytes: bigint;
}
