import { STATUS_CODES } from "node:http";
import { parseJson, stringifyJson } from "../../apis/schema/index.ts";
import { ApiError, type StatusDetails } from "./api-error.ts";

export interface Refusal {
  readonly status: number;
  readonly method: string;
  readonly path: string;
  readonly retryAfter?: string | undefined;
  readonly body: string;
  /** Takes the secrets of the request out of what is quoted. */
  readonly withoutEchoes: (text: string) => string;
}

interface Status {
  readonly kind?: string;
  readonly message?: unknown;
  readonly reason?: unknown;
  readonly code?: unknown;
  readonly details?: StatusDetails;
}

/** Reasons that Kubernetes gives to statuses; for answers that carry none. */
const reasons: Readonly<Record<number, string>> = {
  400: "BadRequest",
  401: "Unauthorized",
  403: "Forbidden",
  404: "NotFound",
  405: "MethodNotAllowed",
  406: "NotAcceptable",
  409: "Conflict",
  410: "Gone",
  413: "RequestEntityTooLarge",
  415: "UnsupportedMediaType",
  422: "Invalid",
  429: "TooManyRequests",
  500: "InternalError",
  503: "ServiceUnavailable",
  504: "Timeout",
};

const quotedBytes = 1024;

/**
 * What the server said, as an error, without the secrets of the request. A body that is no Status is quoted, trimmed.
 * Not for answers with a status below 300: what they hold is for the caller alone, see `brokenAnswer`.
 */
export function refusalError(refusal: Refusal): ApiError {
  const { status, method, path, body, withoutEchoes } = refusal;
  const said = cleaned(statusIn(body), withoutEchoes);
  const reason = typeof said?.reason === "string" && said.reason !== "" ? said.reason : (reasons[status] ?? "Unknown");
  const message =
    typeof said?.message === "string" && said.message !== "" ? said.message : plainMessage(refusal, said === undefined);
  return new ApiError({
    status,
    reason,
    message,
    method,
    path,
    details: said?.details,
    retryAfterMs: retryAfterMs(refusal.retryAfter) ?? secondsToMs(said?.details?.retryAfterSeconds),
  });
}

/** An answer with a good status that is no object. It may hold a part of any object, so that none of it is quoted. */
export function brokenAnswer({ status, method, path }: Pick<Refusal, "status" | "method" | "path">): ApiError {
  const message = `${answeredLine({ status, method, path })} without an object`;
  return new ApiError({ status, reason: "Unknown", message, method, path });
}

/** The Status object of a watch's ERROR event, as an error. */
export function statusError(object: unknown, method: string, path: string): ApiError {
  const code = (object as Status | undefined)?.code;
  const status = typeof code === "number" ? code : 500;
  const body = (object as Status | undefined)?.kind === "Status" ? JSON.stringify(object) : "";
  return refusalError({ status, method, path, body, withoutEchoes: (text) => text });
}

/** A Status whose every text is cleaned: after parsing, as each text may be escaped in its own way. */
function cleaned(said: Status | undefined, clean: (text: string) => string): Status | undefined {
  if (said === undefined) return undefined;
  return JSON.parse(stringifyJson(said), (_key, value: unknown) =>
    typeof value === "string" ? clean(value) : value,
  ) as Status;
}

function statusIn(body: string): Status | undefined {
  try {
    const parsed = parseJson(body) as Status | null;
    return parsed?.kind === "Status" ? parsed : undefined;
  } catch {
    return undefined;
  }
}

function plainMessage(refusal: Refusal, quote: boolean): string {
  // Cleaned before it is cut: half a token is a token still.
  const body = refusal.withoutEchoes(refusal.body);
  const text = [...body.slice(0, quotedBytes)]
    .map((each) => (each < " " ? " " : each))
    .join("")
    .trim();
  const line = answeredLine(refusal);
  if (!quote || text === "") return line;
  return `${line}: ${text}${body.length > quotedBytes ? "…" : ""}`;
}

function answeredLine({ status, method, path }: Pick<Refusal, "status" | "method" | "path">): string {
  return `the server answered ${status} ${STATUS_CODES[status] ?? ""} to ${method} ${path}`;
}

/** Retry-After: seconds or a date. Milliseconds from now; undefined without one. */
export function retryAfterMs(header: string | undefined, now = Date.now()): number | undefined {
  if (header === undefined || header.trim() === "") return undefined;
  const seconds = Number(header);
  if (Number.isFinite(seconds)) return Math.max(0, seconds * 1000);
  const at = Date.parse(header);
  return Number.isNaN(at) ? undefined : Math.max(0, at - now);
}

const secondsToMs = (seconds: unknown): number | undefined =>
  typeof seconds === "number" && seconds > 0 ? seconds * 1000 : undefined;
