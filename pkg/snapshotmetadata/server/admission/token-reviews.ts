import { createHmac, randomBytes } from "node:crypto";
import type { TokenQuestion, TokenVerdict } from "../../../kube/authn/index.ts";
import { abortable, type Clock } from "../../../runtime/timing/index.ts";
import type { PresentedToken, Reviewer } from "./authorize.ts";

/** Where the answer to a token came from: a label of the metric. */
export type TokenAnswer = "cached" | "shared" | "reviewed";

export interface TokenReviewsOptions {
  /** `seen`: this token was valid before. */
  readonly ask: (question: PresentedToken, signal: AbortSignal, seen: boolean) => Promise<TokenVerdict>;
  /** How long a positive answer is used again, in milliseconds; 0: never. */
  readonly ttlMs: number;
  /** Tokens that are remembered at most; the one not seen for longest goes first. */
  readonly capacity?: number;
  readonly clock: Clock;
  /** Where tokens that were valid are remembered; nothing in it tells a token. */
  readonly memory?: Map<string, Remembered>;
  /** Hears of the answers that cost no review. */
  readonly observe?: (from: Exclude<TokenAnswer, "reviewed">) => void;
}

type Valid = Extract<TokenVerdict, { authenticated: true }>;

/** A token that was valid when last asked about; only one with a verdict is still believed. */
interface Remembered {
  readonly verdict: Valid | undefined;
  /** On the monotonic clock, milliseconds. */
  readonly until: number;
}

/** A review that several callers wait for; it is given up when the last of them leaves. */
interface Shared {
  waiting: number;
  readonly stop: AbortController;
  readonly verdict: Promise<TokenVerdict>;
}

/**
 * Token reviews with a short memory. Only a positive answer is kept, for `ttlMs` from the moment the question was sent
 * and never beyond the token's own expiry, so that a revoked token is refused within `ttlMs`. Calls that bring the same
 * token at the same time share one review, whatever `ttlMs` is. What is kept is an HMAC under a key of this process: a
 * dump of its memory gives no token away, and nobody can choose tokens that collide. That a token was valid once is
 * remembered for longer than that it is: its reviews need not queue behind strangers.
 */
export function tokenReviews(options: TokenReviewsOptions): Reviewer["reviewToken"] {
  const { ask, ttlMs, capacity = 4096, clock, memory: kept = new Map(), observe = () => undefined } = options;
  const secret = randomBytes(32);
  const underWay = new Map<string, Shared>();

  const recall = (key: string): Valid | undefined => {
    const entry = kept.get(key);
    if (entry === undefined) return undefined;
    const current = entry.until > clock.monotonic() ? entry : { verdict: undefined, until: 0 };
    kept.delete(key);
    kept.set(key, current);
    return current.verdict;
  };
  const learn = (key: string, verdict: TokenVerdict, until: number): void => {
    kept.delete(key);
    if (!verdict.authenticated) return;
    kept.set(key, { verdict: ttlMs > 0 ? verdict : undefined, until });
    for (const oldest of kept.keys()) {
      if (kept.size <= capacity) break;
      kept.delete(oldest);
    }
  };
  const begin = (key: string, question: PresentedToken): Shared => {
    const stop = new AbortController();
    const until = clock.monotonic() + Math.min(ttlMs, expiryOf(question.token) - clock.now());
    const verdict = ask(question, stop.signal, kept.has(key)).then((each) => {
      learn(key, each, until);
      return each;
    });
    const shared = { waiting: 0, stop, verdict };
    const forget = (): void => {
      if (underWay.get(key) === shared) underWay.delete(key);
    };
    verdict.then(forget, forget);
    underWay.set(key, shared);
    return shared;
  };

  return async (question, signal) => {
    const key = keyOf(secret, question);
    const known = recall(key);
    if (known !== undefined) {
      observe("cached");
      return known;
    }
    const running = underWay.get(key);
    if (running !== undefined) observe("shared");
    const shared = running ?? begin(key, question);
    shared.waiting += 1;
    try {
      return await abortable(shared.verdict, signal);
    } finally {
      shared.waiting -= 1;
      if (shared.waiting === 0) {
        if (underWay.get(key) === shared) underWay.delete(key);
        shared.stop.abort(signal.reason);
      }
    }
  };
}

function keyOf(secret: Buffer, { token, audiences }: TokenQuestion): string {
  return createHmac("sha256", secret)
    .update(JSON.stringify([token, ...audiences]))
    .digest("base64");
}

/**
 * When a token says that it expires, milliseconds since the epoch; never for one that is no JWT. Nobody has checked the
 * signature here, so this may only shorten what is decided otherwise.
 */
function expiryOf(token: string): number {
  try {
    const claims: unknown = JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString());
    const expiry = (claims as { readonly exp?: unknown } | null)?.exp;
    return typeof expiry === "number" ? expiry * 1000 : Number.POSITIVE_INFINITY;
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}
