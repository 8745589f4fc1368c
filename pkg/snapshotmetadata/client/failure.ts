import { Failure, type FailureHint, type FailureKind, messageOf } from "../../runtime/errors/index.ts";

/**
 * Why metadata could not be had, each a constant a caller may switch over.
 *
 * Before the stream: InvalidRequest … TokenRefused. From the metadata service: Unauthenticated … ServerError.
 * From our own eyes: TlsFailed, StreamViolation, Incomplete (the stream kept breaking and no attempt is left).
 */
export const metadataReasons = [
  "InvalidRequest",
  "SnapshotNotFound",
  "SnapshotNotReady",
  "ContentNotFound",
  "ContentMismatch",
  "HandleMissing",
  "ServiceNotFound",
  "ServiceInvalid",
  "ApiDenied",
  "ApiUnavailable",
  "TokenRefused",
  "Unauthenticated",
  "PermissionDenied",
  "NotFound",
  "InvalidArgument",
  "OutOfRange",
  "FailedPrecondition",
  "ResourceExhausted",
  "Unimplemented",
  "Unavailable",
  "DeadlineExceeded",
  "Cancelled",
  "ServerError",
  "TlsFailed",
  "StreamViolation",
  "Incomplete",
] as const;

export type MetadataReason = (typeof metadataReasons)[number];

/** The rules of a metadata stream that a client can judge by itself (CSI specification, GetMetadata…). */
export type StreamRule = "order" | "size" | "type" | "capacity" | "fixed-length" | "start";

export interface MetadataFailureHint extends FailureHint {
  /** The gRPC status code, where the metadata service gave one. */
  readonly code?: number;
  /** For StreamViolation: the rule that was broken. */
  readonly rule?: StreamRule;
}

/** The one error the metadata client throws. Never holds a token. */
export class MetadataFailure extends Failure {
  declare readonly reason: MetadataReason;
  readonly code: number | undefined;
  readonly rule: StreamRule | undefined;

  constructor(kind: FailureKind, reason: MetadataReason, message: string, hint: MetadataFailureHint = {}) {
    super(kind, reason, message, hint);
    this.code = hint.code;
    this.rule = hint.rule;
  }
}

/** What is thrown once the caller has aborted. */
export function cancelled(signal: AbortSignal): MetadataFailure {
  return new MetadataFailure("terminal", "Cancelled", `stopped by the caller: ${messageOf(signal.reason)}`, {
    cause: signal.reason,
  });
}
