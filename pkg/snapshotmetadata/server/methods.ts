import {
  GetMetadataAllocatedRequest as DriverAllocated,
  GetMetadataDeltaRequest as DriverDelta,
} from "../../gen/csi/v1/csi.ts";
import { GetMetadataAllocatedRequest, GetMetadataDeltaRequest } from "../../gen/snapshotmetadata/snapshotmetadata.ts";

/** What both methods ask for, under one set of names. */
export interface MetadataRequest {
  readonly securityToken: string;
  readonly namespace: string;
  /** Name of the VolumeSnapshot whose blocks are asked for. */
  readonly snapshotName: string;
  /** CSI handle of the earlier snapshot; only a delta has one. */
  readonly baseSnapshotId?: string;
  readonly startingOffset: bigint;
  readonly maxResults: number;
}

/** What the driver is asked for, once names have become handles and class parameters secrets. */
export interface DriverTarget {
  readonly snapshotHandle: string;
  readonly secrets: Readonly<Record<string, string>>;
}

/** How one of the two RPCs differs from the other; everything else is shared. */
export interface MetadataMethod {
  readonly name: "GetMetadataAllocated" | "GetMetadataDelta";
  /** Value of the metric label `method_name`. */
  readonly metricName: string;
  /** Names of the required string fields on the wire, in the order they are checked. */
  readonly required: readonly { readonly field: string; readonly of: (request: MetadataRequest) => string }[];
  decode(bytes: Uint8Array): MetadataRequest;
  encodeForDriver(request: MetadataRequest, target: DriverTarget): Uint8Array;
}

const token = { field: "security_token", of: (r: MetadataRequest) => r.securityToken };
const namespace = { field: "namespace", of: (r: MetadataRequest) => r.namespace };

export const allocated: MetadataMethod = {
  name: "GetMetadataAllocated",
  metricName: "MetadataAllocated",
  required: [token, namespace, { field: "snapshot_name", of: (r) => r.snapshotName }],
  decode: (bytes) => GetMetadataAllocatedRequest.decode(bytes),
  encodeForDriver: (request, target) =>
    DriverAllocated.encode({
      snapshotId: target.snapshotHandle,
      startingOffset: request.startingOffset,
      maxResults: request.maxResults,
      secrets: target.secrets,
    }).finish(),
};

export const delta: MetadataMethod = {
  name: "GetMetadataDelta",
  metricName: "MetadataDelta",
  required: [
    token,
    namespace,
    { field: "base_snapshot_id", of: (r) => r.baseSnapshotId ?? "" },
    { field: "target_snapshot_name", of: (r) => r.snapshotName },
  ],
  decode: (bytes) => {
    const { targetSnapshotName, ...rest } = GetMetadataDeltaRequest.decode(bytes);
    return { ...rest, snapshotName: targetSnapshotName };
  },
  encodeForDriver: (request, target) =>
    DriverDelta.encode({
      baseSnapshotId: request.baseSnapshotId ?? "",
      targetSnapshotId: target.snapshotHandle,
      startingOffset: request.startingOffset,
      maxResults: request.maxResults,
      secrets: target.secrets,
    }).finish(),
};
