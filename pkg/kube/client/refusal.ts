import { STATUS_CODES } from "node:http";
import { parseJson } from "../../apis/schema/index.ts";
import { ApiError, type StatusDetails } from "./api-error.ts";

export interface Refusal {
  readonly status: number;
  readonly method: string;
  readonly path: string;
  readonly retryAfter?: string | undefined;
  readonly body: string;
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

/** What the server said, as an error. A body that is no Status is quoted, trimmed. */
export function refusalError(refusal: Refusal): ApiError {
  const { status, method, path, body } = refusal;
  const said = statusIn(body);
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

/** The Status object of a watch's ERROR event, as an error. */
export function statusError(object: unknown, method: string, path: string): ApiError {
  const code = (object as Status | undefined)?.code;
  const status = typeof code === "number" ? code : 500;
  return refusalError({ status, method, path, body: JSON.stringify(object ?? null) });
}

function statusIn(body: string): Status | undefined {
  try {
    const parsed = parseJson(body) as Status | null;
    return parsed?.kind === "Status" ? parsed : undefined;
  } catch {
    return undefined;
  }
}

function plainMessage({ status, method, path, body }: Refusal, quote: boolean): string {
  const text = [...body.slice(0, quotedBytes)]
    .map((each) => (each < " " ? " " : each))
    .join("")
    .trim();
  const line = `the server answered ${status} ${STATUS_CODES[status] ?? ""} to ${method} ${path}`;
  if (!quote || text === "") return line;
  return `${line}: ${text}${body.length > quotedBytes ? "…" : ""}`;
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
