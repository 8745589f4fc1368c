import type { Disturbance, RequestMatch } from "../dev-kube.ts";
import { ApiFailure } from "../wire/status.ts";

interface Described {
  readonly verb: string;
  readonly resource: string;
  readonly namespace: string;
  readonly name: string;
}

/** True when every given field of the match is that of the request. */
export function matchesRequest(match: RequestMatch, request: Described): boolean {
  return (["verb", "resource", "namespace", "name"] as const).every(
    (field) => match[field] === undefined || match[field] === request[field],
  );
}

/** Errors that a test has ordered for coming requests. */
export class Disturbances {
  readonly #waiting = new Set<{ readonly what: Disturbance; left: number }>();

  add(what: Disturbance): () => void {
    const entry = { what, left: what.times ?? 1 };
    this.#waiting.add(entry);
    return () => this.#waiting.delete(entry);
  }

  /** Throws the error ordered for this request, if any. */
  meet(request: Described): void {
    for (const entry of this.#waiting) {
      if (!matchesRequest(entry.what.match ?? {}, request)) continue;
      entry.left -= 1;
      if (entry.left <= 0) this.#waiting.delete(entry);
      throw failureOf(entry.what);
    }
  }
}

const reasons: Readonly<Record<number, string>> = {
  409: "Conflict",
  429: "TooManyRequests",
  500: "InternalError",
  503: "ServiceUnavailable",
  504: "Timeout",
};

function failureOf({ status, reason, message, retryAfter }: Disturbance): ApiFailure {
  const details = retryAfter === undefined ? undefined : { retryAfterSeconds: retryAfter };
  return new ApiFailure(status, reason ?? reasons[status] ?? "", message ?? "a test has ordered this error", details);
}
