import { aggregateMessage, type FieldError } from "./field-error.ts";
import { quote } from "./go-text.ts";
import type { Json, JsonObject } from "./json.ts";

/** A group and a plural name, as messages print it. */
export interface GroupResource {
  readonly group: string;
  readonly resource: string;
}

/** `volumesnapshots.snapshot.storage.k8s.io`, or `secrets` in the core group. */
export function qualified({ group, resource }: GroupResource): string {
  return group === "" ? resource : `${resource}.${group}`;
}

interface Cause {
  readonly reason?: string;
  readonly message?: string;
  readonly field?: string;
}

interface Details {
  readonly name?: string;
  readonly group?: string;
  readonly kind?: string;
  readonly uid?: string;
  readonly causes?: readonly Cause[];
  readonly retryAfterSeconds?: number;
}

/** A refusal: what metav1.Status tells the client. Every other error that reaches the router is a 500. */
export class ApiFailure extends Error {
  override readonly name = "ApiFailure";
  readonly code: number;
  readonly reason: string;
  readonly details: Details | undefined;
  readonly listContinue: string | undefined;

  constructor(code: number, reason: string, message: string, details?: Details, listContinue?: string) {
    super(message);
    this.code = code;
    this.reason = reason;
    this.details = details;
    this.listContinue = listContinue;
  }

  /** The metav1.Status object. */
  status(): JsonObject {
    return {
      kind: "Status",
      apiVersion: "v1",
      metadata: this.listContinue === undefined ? {} : { continue: this.listContinue },
      status: "Failure",
      message: this.message,
      ...(this.reason === "" ? {} : { reason: this.reason }),
      ...(this.details === undefined ? {} : { details: compact(this.details) }),
      code: this.code,
    };
  }
}

function compact(details: Details): JsonObject {
  const kept = Object.entries(details).filter(
    ([, value]) => value !== "" && value !== 0 && !(Array.isArray(value) && value.length === 0),
  );
  return Object.fromEntries(kept) as Record<string, Json>;
}

const about = (resource: GroupResource, name: string): Details => ({
  name,
  group: resource.group,
  kind: resource.resource,
});

export const notFound = (resource: GroupResource, name: string): ApiFailure =>
  new ApiFailure(404, "NotFound", `${qualified(resource)} ${quote(name)} not found`, about(resource, name));

export const alreadyExists = (resource: GroupResource, name: string): ApiFailure =>
  new ApiFailure(409, "AlreadyExists", `${qualified(resource)} ${quote(name)} already exists`, about(resource, name));

export const generateNameConflict = (resource: GroupResource, name: string): ApiFailure =>
  new ApiFailure(
    409,
    "AlreadyExists",
    `${qualified(resource)} ${quote(name)} already exists, the server was not able to generate a unique name for the object`,
    { ...about(resource, name), retryAfterSeconds: 1 },
  );

export const conflict = (resource: GroupResource, name: string, why: string): ApiFailure =>
  new ApiFailure(
    409,
    "Conflict",
    `Operation cannot be fulfilled on ${qualified(resource)} ${quote(name)}: ${why}`,
    about(resource, name),
  );

/** What a stale resourceVersion gets. */
export const modified = "the object has been modified; please apply your changes to the latest version and try again";

export const forbidden = (resource: GroupResource, name: string, why: string): ApiFailure => {
  const subject = name === "" ? qualified(resource) : `${qualified(resource)} ${quote(name)}`;
  const message =
    resource.resource === "" && resource.group === "" ? `forbidden: ${why}` : `${subject} is forbidden: ${why}`;
  return new ApiFailure(403, "Forbidden", message, about(resource, name));
};

export const invalidObject = (group: string, kind: string, name: string, errors: readonly FieldError[]): ApiFailure =>
  new ApiFailure(
    422,
    "Invalid",
    `${qualified({ group, resource: kind })} ${quote(name)} is invalid: ${aggregateMessage(errors)}`,
    {
      name,
      group,
      kind,
      causes: errors.map(({ type, body, field }) => ({ reason: type, message: body, field })),
    },
  );

export const badRequest = (message: string): ApiFailure => new ApiFailure(400, "BadRequest", message);

export const unauthorized = (): ApiFailure => new ApiFailure(401, "Unauthorized", "Unauthorized");

export const methodNotAllowed = (resource: GroupResource, action: string): ApiFailure =>
  new ApiFailure(
    405,
    "MethodNotAllowed",
    `${action} is not supported on resources of kind ${quote(qualified(resource))}`,
    { group: resource.group, kind: resource.resource },
  );

/** The answer to a path whose resource is not there. */
export const noSuchResource = (): ApiFailure =>
  new ApiFailure(404, "NotFound", "the server could not find the requested resource", {});

export const expired = (message: string, listContinue?: string): ApiFailure =>
  new ApiFailure(410, "Expired", message, undefined, listContinue);

export const tooLargeVersion = (wanted: bigint | number, current: number): ApiFailure =>
  new ApiFailure(504, "Timeout", `Timeout: Too large resource version: ${wanted}, current: ${current}`, {
    causes: [{ reason: "ResourceVersionTooLarge", message: "Too large resource version" }],
    retryAfterSeconds: 1,
  });

export const notAcceptable = (accepted: readonly string[]): ApiFailure =>
  new ApiFailure(406, "NotAcceptable", `only the following media types are accepted: ${accepted.join(", ")}`);

export const unsupportedMediaType = (accepted: readonly string[]): ApiFailure =>
  new ApiFailure(
    415,
    "UnsupportedMediaType",
    `the body of the request was in an unknown format - accepted media types include: ${accepted.join(", ")}`,
  );

export const tooLarge = (message: string): ApiFailure =>
  new ApiFailure(413, "RequestEntityTooLarge", `Request entity too large: ${message}`);

/** What this server does not do although the real one does; never guessed at. */
export const notImplemented = (what: string): ApiFailure =>
  new ApiFailure(501, "NotImplemented", `the embedded API server does not implement ${what}`);
