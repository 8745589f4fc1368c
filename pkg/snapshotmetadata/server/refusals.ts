import { status } from "@grpc/grpc-js";

/** One way a call is refused before the driver is asked: our gRPC code, and the original's. */
export interface RefusalRow {
  /** The input or state that leads here, for docs/reference/codes.md. */
  readonly when: string;
  readonly code: status;
  /** What external-snapshot-metadata 1.1.0 answers; sent with `--compat-codes`. */
  readonly original: status;
  /** Set where the original does not refuse at all; it is refused here in both modes. */
  readonly originalPasses?: boolean;
}

/** Every refusal, in the order of the checks; the last three may come at any step. docs/reference/codes.md is generated from it. */
export const refusals = {
  tooManyStrangers: {
    when: "--max-unauthenticated-calls-per-peer calls of the caller's address are in progress whose callers are not known yet",
    code: status.RESOURCE_EXHAUSTED,
    original: status.RESOURCE_EXHAUSTED,
    originalPasses: true,
  },
  requestLate: {
    when: "the request does not arrive within 10 seconds after its headers",
    code: status.DEADLINE_EXCEEDED,
    original: status.DEADLINE_EXCEEDED,
    originalPasses: true,
  },
  malformedRequest: {
    when: "the request message can not be decoded",
    code: status.INVALID_ARGUMENT,
    original: status.INTERNAL,
  },
  emptyField: {
    when: "security_token, namespace, snapshot_name, base_snapshot_id or target_snapshot_name is empty",
    code: status.INVALID_ARGUMENT,
    original: status.INVALID_ARGUMENT,
  },
  negativeOffset: {
    when: "starting_offset is negative",
    code: status.OUT_OF_RANGE,
    original: status.OUT_OF_RANGE,
    originalPasses: true,
  },
  negativeMaxResults: {
    when: "max_results is negative",
    code: status.INVALID_ARGUMENT,
    original: status.INVALID_ARGUMENT,
    originalPasses: true,
  },
  driverUnknown: {
    when: "the driver has not answered since the server started, and no audience is given by flag",
    code: status.UNAVAILABLE,
    original: status.UNAVAILABLE,
  },
  noService: {
    when: "no SnapshotMetadataService object has the driver's name, or its audience is empty",
    code: status.INTERNAL,
    original: status.INTERNAL,
  },
  reviewFailed: {
    when: "the API server does not answer a token review, an access review, or the audience lookup",
    code: status.UNAVAILABLE,
    original: status.INTERNAL,
  },
  reviewForbidden: {
    when: "the API server refuses a token review, an access review, or the audience lookup",
    code: status.INTERNAL,
    original: status.INTERNAL,
  },
  invalidTokens: {
    when: "the caller's address has sent tokens that were not valid, above --invalid-token-qps and --invalid-token-burst",
    code: status.RESOURCE_EXHAUSTED,
    original: status.RESOURCE_EXHAUSTED,
    originalPasses: true,
  },
  reviewLineFull: {
    when: "too many tokens wait for a review (--max-token-reviews run at a time)",
    code: status.RESOURCE_EXHAUSTED,
    original: status.RESOURCE_EXHAUSTED,
    originalPasses: true,
  },
  unauthenticated: {
    when: "the token is not valid, or not valid for the audience",
    code: status.UNAUTHENTICATED,
    original: status.UNAUTHENTICATED,
  },
  tooManyStreams: {
    when: "--max-streams-per-identity calls of the caller, or --max-streams calls in all, are running",
    code: status.RESOURCE_EXHAUSTED,
    original: status.RESOURCE_EXHAUSTED,
    originalPasses: true,
  },
  tooManyCalls: {
    when: "the caller makes more than --call-qps-per-identity calls a second, or all callers more than --call-qps",
    code: status.RESOURCE_EXHAUSTED,
    original: status.RESOURCE_EXHAUSTED,
    originalPasses: true,
  },
  denied: {
    when: "the caller may not get volumesnapshots in the namespace",
    code: status.PERMISSION_DENIED,
    original: status.PERMISSION_DENIED,
  },
  driverNotReady: {
    when: "the driver is not connected or not ready",
    code: status.UNAVAILABLE,
    original: status.UNAVAILABLE,
  },
  stopping: {
    when: "the server is shutting down",
    code: status.UNAVAILABLE,
    original: status.UNAVAILABLE,
  },
  malformedName: {
    when: "namespace or snapshot name is no valid object name",
    code: status.INVALID_ARGUMENT,
    original: status.UNAVAILABLE,
  },
  readFailed: {
    when: "the API server does not answer a read of snapshot, content, class or secret",
    code: status.UNAVAILABLE,
    original: status.UNAVAILABLE,
  },
  readForbidden: {
    when: "this server's role does not let it read snapshot, content, or a class or secret that is needed",
    code: status.INTERNAL,
    original: status.UNAVAILABLE,
  },
  snapshotMissing: {
    when: "the VolumeSnapshot does not exist",
    code: status.NOT_FOUND,
    original: status.UNAVAILABLE,
  },
  snapshotNotReady: {
    when: "the VolumeSnapshot has no status, is not ready, or is not bound to a content",
    code: status.FAILED_PRECONDITION,
    original: status.UNAVAILABLE,
  },
  contentMissing: {
    when: "the bound VolumeSnapshotContent does not exist",
    code: status.FAILED_PRECONDITION,
    original: status.UNAVAILABLE,
  },
  contentNotOurs: {
    when: "the VolumeSnapshotContent does not point back to the snapshot, by name, namespace and uid",
    code: status.FAILED_PRECONDITION,
    original: status.UNAVAILABLE,
    originalPasses: true,
  },
  contentNotReady: {
    when: "the VolumeSnapshotContent has no status, is not ready, or has no snapshot handle",
    code: status.FAILED_PRECONDITION,
    original: status.UNAVAILABLE,
  },
  otherDriver: {
    when: "the snapshot belongs to another CSI driver",
    code: status.INVALID_ARGUMENT,
    original: status.INVALID_ARGUMENT,
  },
  baseForeign: {
    when: "base_snapshot_id is the handle of a snapshot, but of none that is bound in the request's namespace",
    code: status.NOT_FOUND,
    original: status.UNAVAILABLE,
    originalPasses: true,
  },
  baseMismatch: {
    when: "base_snapshot_id is the handle of a snapshot of another driver, or of another volume than the target's",
    code: status.INVALID_ARGUMENT,
    original: status.INVALID_ARGUMENT,
    originalPasses: true,
  },
  secretUnresolved: {
    when: "the secret that class or content name does not exist, or is named wrongly",
    code: status.FAILED_PRECONDITION,
    original: status.UNAVAILABLE,
  },
  brokenRule: {
    when:
      "a message of the driver breaks a rule of the stream (--stream-validation=strict); the message names rule and offset, " +
      "and all messages before it were passed on",
    code: status.INTERNAL,
    original: status.INTERNAL,
    originalPasses: true,
  },
  messageTooLarge: {
    when: "a message of the driver is above 64 MiB (the original: above 4 MiB)",
    code: status.INTERNAL,
    original: status.RESOURCE_EXHAUSTED,
  },
  messageUnusable: {
    when: "a message of the driver is compressed, not complete when the stream ends with OK, or above 4 MiB and can not be split",
    code: status.INTERNAL,
    original: status.INTERNAL,
  },
  timeLimit: {
    when: "the caller's deadline or --max-streaming-duration-min has passed, at whatever step",
    code: status.DEADLINE_EXCEEDED,
    original: status.DEADLINE_EXCEEDED,
  },
  cancelled: {
    when: "the caller went away",
    code: status.CANCELLED,
    original: status.CANCELLED,
  },
  unexpected: {
    when: "a fault of this server; its log has the cause",
    code: status.INTERNAL,
    original: status.INTERNAL,
  },
} as const satisfies Record<string, RefusalRow>;

export type RefusalReason = keyof typeof refusals;

export interface RefusalHint extends ErrorOptions {
  /** When it may help to try again, in milliseconds; told in the trailers. */
  readonly retryAfterMs?: number;
  /** The flag whose limit was met. */
  readonly limit?: string;
}

/** A call that ends before, or instead of, the driver's answer. The message goes to the caller as it is. */
export class Refusal extends Error {
  override readonly name = "Refusal";
  readonly reason: RefusalReason;
  readonly retryAfterMs: number | undefined;
  readonly limit: string | undefined;

  constructor(reason: RefusalReason, message: string, hint: RefusalHint = {}) {
    super(message, hint);
    this.reason = reason;
    this.retryAfterMs = hint.retryAfterMs;
    this.limit = hint.limit;
  }

  code(compat: boolean): status {
    const row: RefusalRow = refusals[this.reason];
    return compat ? row.original : row.code;
  }
}

/** Turns whatever was thrown into a refusal; the caller learns nothing of an unexpected fault but that it happened. */
export function toRefusal(thrown: unknown): Refusal {
  if (thrown instanceof Refusal) return thrown;
  return new Refusal("unexpected", "internal error; the server's log has the cause", { cause: thrown });
}
