/**
 * What must happen before a failed piece of work can succeed.
 *
 * - `terminal`: a person must act; work resumes only when the object or the configuration changes.
 * - `waiting`: something else must happen first; look again after `recheckMs`.
 * - `transient`: try again with backoff.
 */
export type FailureKind = "terminal" | "waiting" | "transient";

export interface FailureHint extends ErrorOptions {
  /** For `waiting`: milliseconds until the next look. */
  readonly recheckMs?: number;
}

/** The one error type behind every boundary. `reason` is a CamelCase constant fit for events and conditions. */
export class Failure extends Error {
  override readonly name = "Failure";
  readonly kind: FailureKind;
  readonly reason: string;
  readonly recheckMs: number | undefined;

  constructor(kind: FailureKind, reason: string, message: string, hint: FailureHint = {}) {
    super(message, hint);
    this.kind = kind;
    this.reason = reason;
    this.recheckMs = hint.recheckMs;
  }
}

/** Text of anything that was thrown, never empty. */
export function messageOf(thrown: unknown): string {
  if (thrown instanceof Error) return thrown.message || thrown.name;
  return String(thrown);
}

/** Turns what a boundary caught into a Failure. Anything unknown is transient: trying again is always safe. */
export function toFailure(thrown: unknown): Failure {
  if (thrown instanceof Failure) return thrown;
  return new Failure("transient", "Unexpected", messageOf(thrown), { cause: thrown });
}
