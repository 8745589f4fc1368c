import { status } from "@grpc/grpc-js";
import { Failure, type FailureKind, messageOf } from "../../runtime/errors/index.ts";
import { scrub } from "../secrets/scrub.ts";
import { codeName, goCodeName, isFinalCode } from "./codes.ts";

/** A call to the driver that did not succeed. `message` is free of the secret values of its request. */
export class DriverFailure extends Failure {
  /** gRPC status code. */
  readonly code: number;
  /** False when the operation may still be running in the driver. */
  readonly final: boolean;
  /** Full gRPC path, such as `/csi.v1.Controller/CreateVolume`. */
  readonly method: string;
  /** What the driver said, scrubbed. */
  readonly details: string;

  constructor(code: number, method: string, details: string) {
    const { kind, recheckMs } = handling(code);
    super(kind, `Driver${goCodeName(code)}`, `driver call ${method} failed: ${codeName(code)}: ${details}`, {
      ...(recheckMs === undefined ? {} : { recheckMs }),
    });
    this.code = code;
    this.final = isFinalCode(code);
    this.method = method;
    this.details = details;
  }
}

/** Terminal codes say that the same request will be refused again. */
const terminal: ReadonlySet<number> = new Set([
  status.INVALID_ARGUMENT,
  status.NOT_FOUND,
  status.ALREADY_EXISTS,
  status.PERMISSION_DENIED,
  status.UNAUTHENTICATED,
  status.FAILED_PRECONDITION,
  status.OUT_OF_RANGE,
  status.UNIMPLEMENTED,
]);

/** ABORTED means that a call for the same object is still running: look again soon, without backing off. */
function handling(code: number): { kind: FailureKind; recheckMs?: number } {
  if (code === status.ABORTED) return { kind: "waiting", recheckMs: 1000 };
  return { kind: terminal.has(code) ? "terminal" : "transient" };
}

/** What `classifyGrpc` says about a code. */
export interface Classification {
  readonly name: string;
  readonly goName: string;
  readonly kind: FailureKind;
  readonly final: boolean;
}

/** How a gRPC status code is to be treated by a caller of the driver. */
export function classifyGrpc(code: number): Classification {
  return { name: codeName(code), goName: goCodeName(code), kind: handling(code).kind, final: isFinalCode(code) };
}

/** The gRPC status code that a thrown value carries, if it carries one. */
export function grpcCodeOf(thrown: unknown): number | undefined {
  if (typeof thrown !== "object" || thrown === null || !("code" in thrown)) return undefined;
  return typeof thrown.code === "number" && Number.isInteger(thrown.code) ? thrown.code : undefined;
}

/**
 * Turns what a driver call threw into a DriverFailure. The driver's metadata is dropped and every value in `secrets`
 * is removed from its message; anything that is not a gRPC error counts as UNKNOWN and not final.
 */
export function fromDriver(thrown: unknown, method: string, secrets: Iterable<string> = []): Failure {
  if (thrown instanceof Failure) return thrown;
  const code = grpcCodeOf(thrown);
  if (code === undefined) {
    return new Failure("transient", "DriverCallFailed", scrub(`${method}: ${messageOf(thrown)}`, secrets));
  }
  const details = (thrown as { details?: unknown }).details;
  return new DriverFailure(code, method, scrub(typeof details === "string" ? details : messageOf(thrown), secrets));
}
