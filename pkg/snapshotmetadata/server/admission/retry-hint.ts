import { BinaryWriter } from "@bufbuild/protobuf/wire";
import { Metadata, type status } from "@grpc/grpc-js";

/**
 * Trailers that tell a caller when to try again, in the two ways that are standard: `grpc-retry-pushback-ms`, which
 * gRPC libraries obey whose retry policy names the code (gRFC A6), and a google.rpc.RetryInfo in
 * `grpc-status-details-bin`, which programs read.
 */
export function retryHint(code: status, message: string, afterMs: number): Metadata {
  const trailers = new Metadata();
  trailers.set("grpc-retry-pushback-ms", String(Math.ceil(afterMs)));
  trailers.set("grpc-status-details-bin", Buffer.from(statusWithRetryInfo(code, message, afterMs)));
  return trailers;
}

/** A google.rpc.Status with one detail. Field numbers: google/rpc/status.proto, error_details.proto, duration.proto. */
function statusWithRetryInfo(code: status, message: string, afterMs: number): Uint8Array {
  const [seconds, milliseconds] = [Math.floor(afterMs / 1000), Math.ceil(afterMs % 1000)];
  const delay = new BinaryWriter()
    .uint32(8)
    .int64(seconds)
    .uint32(16)
    .int32(milliseconds * 1_000_000);
  const retryInfo = new BinaryWriter().uint32(10).bytes(delay.finish());
  const detail = new BinaryWriter()
    .uint32(10)
    .string("type.googleapis.com/google.rpc.RetryInfo")
    .uint32(18)
    .bytes(retryInfo.finish());
  return new BinaryWriter().uint32(8).int32(code).uint32(18).string(message).uint32(26).bytes(detail.finish()).finish();
}
