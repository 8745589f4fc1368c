import { Failure, type FailureHint, type FailureKind, messageOf } from "../../runtime/errors/index.ts";
import type { MetadataTier } from "./record.ts";

/**
 * Why metadata could not be had, each a constant a caller may switch over.
 *
 * Before the stream: InvalidRequest … TokenRefused; BaseUnavailable is about the earlier snapshot, whose object or handle
 * is not there. From the metadata service: Unauthenticated … ServerError. From our own eyes: TlsFailed, StreamViolation,
 * Incomplete (the stream kept breaking and no attempt is left), TierLost (a lower tier could be had, but ranges were given
 * already: start over), SizeUnknown (the whole volume is to be read, and nobody says how large it is).
 */
export const metadataReasons = [
  "InvalidRequest",
  "SnapshotNotFound",
  "SnapshotNotReady",
  "ContentNotFound",
  "ContentMismatch",
  "BaseUnavailable",
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
  "TierLost",
  "SizeUnknown",
] as const;

export type MetadataReason = (typeof metadataReasons)[number];

/** The rules of a metadata stream that a client can judge by itself (CSI specification, GetMetadata…). */
export type StreamRule = "order" | "size" | "type" | "capacity" | "fixed-length" | "start";

export interface MetadataFailureHint extends FailureHint {
  /** The gRPC status code, where the metadata service gave one. */
  readonly code?: number;
  /** For StreamViolation: the rule that was broken. */
  readonly rule?: StreamRule;
  /** A tier that could be had in place of the one that failed, were falling back allowed. */
  readonly lowerTier?: MetadataTier;
}

/** The one error the metadata client throws. Never holds a token. */
export class MetadataFailure extends Failure {
  declare readonly reason: MetadataReason;
  readonly code: number | undefined;
  readonly rule: StreamRule | undefined;
  readonly lowerTier: MetadataTier | undefined;

  constructor(kind: FailureKind, reason: MetadataReason, message: string, hint: MetadataFailureHint = {}) {
    super(kind, reason, message, hint);
    this.code = hint.code;
    this.rule = hint.rule;
    this.lowerTier = hint.lowerTier;
  }
}

/** What is thrown once the caller has aborted. */
export function cancelled(signal: AbortSignal): MetadataFailure {
  return new MetadataFailure("terminal", "Cancelled", `stopped by the caller: ${messageOf(signal.reason)}`, {
    cause: signal.reason,
  });
}
