import { BinaryReader } from "@bufbuild/protobuf/wire";
import type { Metadata } from "@grpc/grpc-js";

/**
 * Milliseconds after which the service wants to be asked again, from its trailers: `grpc-retry-pushback-ms` (gRFC A6), or
 * a google.rpc.RetryInfo in `grpc-status-details-bin`; the longer of both. Undefined when there is none that can be read,
 * or when it says never to try again.
 */
export function retryAfterMs(trailers: Metadata): number | undefined {
  const [pushback] = trailers.get("grpc-retry-pushback-ms");
  const told = pushback === undefined ? [] : [/^\d+$/.test(String(pushback)) ? Number(pushback) : Number.NaN];
  // What is no number, or below zero, means: do not try again.
  if (told.some(Number.isNaN)) return undefined;
  for (const details of trailers.get("grpc-status-details-bin")) {
    const delay = Buffer.isBuffer(details) ? retryDelayMs(details) : undefined;
    if (delay !== undefined) told.push(delay);
  }
  return told.length === 0 ? undefined : Math.max(...told);
}

const retryInfoType = "type.googleapis.com/google.rpc.RetryInfo";

/** From a google.rpc.Status: details is field 3, each a google.protobuf.Any. What can not be read has no hint. */
function retryDelayMs(status: Uint8Array): number | undefined {
  try {
    for (const any of bytesAt(status, 3)) {
      const [type] = bytesAt(any, 1);
      if (!type || Buffer.from(type).toString() !== retryInfoType) continue;
      const [info] = bytesAt(any, 2);
      const [delay] = info ? bytesAt(info, 1) : [];
      return delay && durationMs(delay);
    }
  } catch {
    // A stranger's bytes; the status code stands without them.
  }
  return undefined;
}

/** The values of a field that holds bytes. Throws on what is no protobuf. */
function bytesAt(message: Uint8Array, field: number): Uint8Array[] {
  const reader = new BinaryReader(message);
  const found: Uint8Array[] = [];
  while (reader.pos < reader.len) {
    const [number, type] = reader.tag();
    if (number === field && type === 2) found.push(reader.bytes());
    else reader.skip(type, number);
  }
  return found;
}

/** A google.protobuf.Duration: seconds is field 1, nanos field 2. */
function durationMs(duration: Uint8Array): number | undefined {
  const reader = new BinaryReader(duration);
  let [seconds, nanos] = [0, 0];
  while (reader.pos < reader.len) {
    const [number, type] = reader.tag();
    if (number === 1 && type === 0) seconds = Number(reader.int64());
    else if (number === 2 && type === 0) nanos = reader.int32();
    else reader.skip(type, number);
  }
  const ms = seconds * 1000 + Math.ceil(nanos / 1_000_000);
  return ms >= 0 ? ms : undefined;
}
