import { status } from "@grpc/grpc-js";

/** A gRPC status code by the name the CSI specification uses. */
export type CodeName = keyof typeof status;

/** Go's names of the codes, as the original sidecars write them into metrics and logs. */
const goNames: Record<CodeName, string> = {
  OK: "OK",
  CANCELLED: "Canceled",
  UNKNOWN: "Unknown",
  INVALID_ARGUMENT: "InvalidArgument",
  DEADLINE_EXCEEDED: "DeadlineExceeded",
  NOT_FOUND: "NotFound",
  ALREADY_EXISTS: "AlreadyExists",
  PERMISSION_DENIED: "PermissionDenied",
  RESOURCE_EXHAUSTED: "ResourceExhausted",
  FAILED_PRECONDITION: "FailedPrecondition",
  ABORTED: "Aborted",
  OUT_OF_RANGE: "OutOfRange",
  UNIMPLEMENTED: "Unimplemented",
  INTERNAL: "Internal",
  UNAVAILABLE: "Unavailable",
  DATA_LOSS: "DataLoss",
  UNAUTHENTICATED: "Unauthenticated",
};

/** The operation may still be running in the driver after these; any other code means that nothing is in flight. */
const undecided: ReadonlySet<number> = new Set([
  status.CANCELLED,
  status.DEADLINE_EXCEEDED,
  status.UNAVAILABLE,
  status.RESOURCE_EXHAUSTED,
  status.ABORTED,
]);

/** `NOT_FOUND` for 5. A number outside gRPC's table is `UNKNOWN`. */
export function codeName(code: number): CodeName {
  return (status[code] as CodeName | undefined) ?? "UNKNOWN";
}

/** `NotFound` for 5, as csi-lib-utils labels its metrics; `Code(99)` for a number outside gRPC's table. */
export function goCodeName(code: number): string {
  const name = status[code] as CodeName | undefined;
  return name === undefined ? `Code(${code})` : goNames[name];
}

/** Whether the driver has decided: false when the operation may still be running there. */
export function isFinalCode(code: number): boolean {
  return !undecided.has(code);
}
