/** Everything needed to ask for one snapshot's metadata, resolved from the API. */
export interface MetadataTarget {
  readonly namespace: string;
  readonly snapshotName: string;
  readonly driverName: string;
  /** CSI handle of the snapshot: the `previousSnapshotId` of the next backup. Absent when `driverName` was given. */
  readonly snapshotHandle?: string;
  /** CSI handle of the earlier snapshot; absent for allocated ranges. */
  readonly baseHandle?: string;
  /** host:port that will be dialled. */
  readonly address: string;
  readonly audience: string;
  /** PEM bundle, the only one trusted. */
  readonly caPem: string;
}
