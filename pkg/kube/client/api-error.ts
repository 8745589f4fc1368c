import { Failure, type FailureHint, type FailureKind } from "../../runtime/errors/index.ts";

/** One cause of a refusal: which field, which rule, in the server's words. */
export interface StatusCause {
  readonly reason?: string;
  readonly message?: string;
  readonly field?: string;
}

/** `details` of a metav1.Status. */
export interface StatusDetails {
  readonly name?: string;
  readonly group?: string;
  readonly kind?: string;
  readonly uid?: string;
  readonly causes?: readonly StatusCause[];
  readonly retryAfterSeconds?: number;
}

export interface ApiErrorFields {
  readonly status: number;
  readonly reason: string;
  readonly message: string;
  readonly method: string;
  readonly path: string;
  readonly details?: StatusDetails | undefined;
  readonly retryAfterMs?: number | undefined;
}

/** A refusal by the API server, in its own words. Holds no header and no query, hence no token. */
export class ApiError extends Failure {
  readonly status: number;
  readonly details: StatusDetails | undefined;
  readonly retryAfterMs: number | undefined;
  readonly method: string;
  /** Path of the request, without its query. */
  readonly path: string;

  constructor(fields: ApiErrorFields) {
    super(kindOf(fields), fields.reason, fields.message, hintOf(fields));
    this.status = fields.status;
    this.details = fields.details;
    this.retryAfterMs = fields.retryAfterMs;
    this.method = fields.method;
    this.path = fields.path;
  }
}

/**
 * An object the server finds invalid stays so until it is changed. A missing right is transient: nothing we watch
 * tells when a person grants it.
 */
function kindOf({ status, retryAfterMs }: ApiErrorFields): FailureKind {
  if (status === 400 || status === 405 || status === 413 || status === 415 || status === 422) return "terminal";
  return retryAfterMs === undefined ? "transient" : "waiting";
}

function hintOf({ retryAfterMs }: ApiErrorFields): FailureHint {
  return retryAfterMs === undefined ? {} : { recheckMs: retryAfterMs };
}

function refused(thrown: unknown, status: number, reason?: string): boolean {
  return thrown instanceof ApiError && thrown.status === status && (reason === undefined || thrown.reason === reason);
}

/** 404: no such object, or no such kind. */
export const isNotFound = (thrown: unknown): boolean => refused(thrown, 404);
/** 409 on create: the name is taken. */
export const isAlreadyExists = (thrown: unknown): boolean => refused(thrown, 409, "AlreadyExists");
/** 409 on a write: somebody else wrote first, read again. */
export const isConflict = (thrown: unknown): boolean => refused(thrown, 409) && !isAlreadyExists(thrown);
/** 403: a right is missing, or an admission rule refuses. */
export const isForbidden = (thrown: unknown): boolean => refused(thrown, 403);
/** 410: the resource version or the page token is too old. */
export const isExpired = (thrown: unknown): boolean => refused(thrown, 410);
/** 422: the object breaks a rule; see `details.causes`. */
export const isInvalid = (thrown: unknown): boolean => refused(thrown, 422);
