import { status as grpcStatus, type StatusObject } from "@grpc/grpc-js";
import type { FailureKind } from "../../runtime/errors/index.ts";
import { MetadataFailure, type MetadataReason } from "./failure.ts";
import { retryAfterMs } from "./retry-hint.ts";

const verdicts: Partial<Record<number, readonly [FailureKind, MetadataReason]>> = {
  [grpcStatus.CANCELLED]: ["transient", "Cancelled"],
  [grpcStatus.INVALID_ARGUMENT]: ["terminal", "InvalidArgument"],
  [grpcStatus.DEADLINE_EXCEEDED]: ["transient", "DeadlineExceeded"],
  [grpcStatus.NOT_FOUND]: ["terminal", "NotFound"],
  [grpcStatus.PERMISSION_DENIED]: ["terminal", "PermissionDenied"],
  [grpcStatus.RESOURCE_EXHAUSTED]: ["terminal", "ResourceExhausted"],
  [grpcStatus.FAILED_PRECONDITION]: ["terminal", "FailedPrecondition"],
  [grpcStatus.OUT_OF_RANGE]: ["terminal", "OutOfRange"],
  [grpcStatus.UNIMPLEMENTED]: ["terminal", "Unimplemented"],
  [grpcStatus.UNAVAILABLE]: ["transient", "Unavailable"],
  [grpcStatus.UNAUTHENTICATED]: ["terminal", "Unauthenticated"],
};

/** What node:tls and OpenSSL say of a server that cannot be trusted; grpc-js passes it on as UNAVAILABLE. */
const distrust =
  /certificate|altnames|self.signed|wrong version number|tlsv1|ssl3_|handshake failure|unable to verify/i;

/** How grpc-js reports a connection that died under a stream, where it does not say UNAVAILABLE. */
const cutConnection = /RST_STREAM|ECONNRESET|EPIPE|Connection dropped|socket hang up/i;

/** Nobody waits longer because a server says so. */
const longestHintMs = 300_000;

/**
 * Turns the end of a stream into a MetadataFailure. `secret` is taken out of the server's words. A server that says when
 * to try again is taken at its word: also RESOURCE_EXHAUSTED is transient then.
 */
export function fromStatus(status: StatusObject, address: string, secret: string): MetadataFailure {
  const words = secret === "" ? status.details : status.details.replaceAll(secret, "[token]");
  const message = `metadata service ${address}: ${grpcStatus[status.code] ?? status.code}: ${words || "no details"}`;
  const [kind, reason] = verdictOf(status);
  const afterMs = retryAfterMs(status.metadata);
  if (afterMs === undefined || (kind !== "transient" && reason !== "ResourceExhausted")) {
    return new MetadataFailure(kind, reason, message, { code: status.code });
  }
  const patient = afterMs <= longestHintMs;
  const told = patient ? message : `${message}; it wants to be asked again only after ${Math.ceil(afterMs / 1000)} s`;
  return new MetadataFailure(patient ? "transient" : "terminal", reason, told, {
    code: status.code,
    recheckMs: afterMs,
  });
}

function verdictOf({ code, details }: StatusObject): readonly [FailureKind, MetadataReason] {
  if (code === grpcStatus.UNAVAILABLE && distrust.test(details)) return ["terminal", "TlsFailed"];
  if (code === grpcStatus.INTERNAL && cutConnection.test(details)) return ["transient", "Unavailable"];
  return verdicts[code] ?? ["terminal", "ServerError"];
}
