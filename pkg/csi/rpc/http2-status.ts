import { constants } from "node:http2";
import { status } from "@grpc/grpc-js";

/** How a call ended; metadata is dropped. */
export interface CallEnd {
  readonly code: number;
  readonly details: string;
}

/** gRPC's mapping of HTTP statuses, for an answer that did not come from a gRPC server. */
const codeOfHttp: ReadonlyMap<number, status> = new Map([
  [400, status.INTERNAL],
  [401, status.UNAUTHENTICATED],
  [403, status.PERMISSION_DENIED],
  [404, status.UNIMPLEMENTED],
  [429, status.UNAVAILABLE],
  [502, status.UNAVAILABLE],
  [503, status.UNAVAILABLE],
  [504, status.UNAVAILABLE],
]);

/** gRPC's mapping of HTTP/2 error codes; what is not here is INTERNAL. */
const codeOfReset: ReadonlyMap<number, status> = new Map([
  [constants.NGHTTP2_REFUSED_STREAM, status.UNAVAILABLE],
  [constants.NGHTTP2_CANCEL, status.CANCELLED],
  [constants.NGHTTP2_ENHANCE_YOUR_CALM, status.RESOURCE_EXHAUSTED],
  [constants.NGHTTP2_INADEQUATE_SECURITY, status.PERMISSION_DENIED],
]);

/** The end of an answer that closed without a gRPC status. */
export function statusOfHttp(httpStatus: number, contentType: string | undefined): CallEnd {
  if (httpStatus !== 200) {
    const details = `the driver answered with HTTP status ${httpStatus}; expected 200`;
    return { code: codeOfHttp.get(httpStatus) ?? status.UNKNOWN, details };
  }
  if (!contentType?.startsWith("application/grpc")) {
    const details = `the driver answered with content-type ${JSON.stringify(contentType ?? "")}; expected application/grpc`;
    return { code: status.UNKNOWN, details };
  }
  return { code: status.INTERNAL, details: "the driver closed the stream without a gRPC status" };
}

/** The end of a stream that the driver reset. */
export function statusOfReset(rstCode: number): CallEnd {
  const details = `the driver reset the stream with HTTP/2 error code ${rstCode}, without a gRPC status`;
  return { code: codeOfReset.get(rstCode) ?? status.INTERNAL, details };
}
