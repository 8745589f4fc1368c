import type { ServiceDefinition, UntypedServiceImplementation } from "@grpc/grpc-js";
import { type HandlerDeps, serveMethod } from "./handler.ts";
import { allocated, delta, type MetadataMethod } from "./methods.ts";
import type { RawCall } from "./stream/forward.ts";

/** Messages stay the bytes they are on the wire; what must be read of them is decoded where it is needed. */
const asIs = (bytes: Buffer): Buffer => bytes;

const rawMethod = (name: MetadataMethod["name"]) => ({
  path: `/snapshotmetadata.SnapshotMetadata/${name}`,
  requestStream: false,
  responseStream: true,
  requestSerialize: asIs,
  requestDeserialize: asIs,
  responseSerialize: asIs,
  responseDeserialize: asIs,
});

/** The Kubernetes SnapshotMetadata service, on encoded messages. */
export const metadataServiceDefinition = {
  GetMetadataAllocated: rawMethod("GetMetadataAllocated"),
  GetMetadataDelta: rawMethod("GetMetadataDelta"),
} as const satisfies ServiceDefinition;

export function metadataService(deps: HandlerDeps): UntypedServiceImplementation {
  return {
    GetMetadataAllocated: serveMethod(deps, allocated) as (call: RawCall) => void,
    GetMetadataDelta: serveMethod(deps, delta) as (call: RawCall) => void,
  };
}
