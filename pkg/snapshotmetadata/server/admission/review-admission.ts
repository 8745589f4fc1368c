import { keyedRate } from "../../../runtime/limits/index.ts";
import type { Clock } from "../../../runtime/timing/index.ts";
import { Refusal } from "../refusals.ts";
import type { Reviewer } from "./authorize.ts";
import { fairLine } from "./review-line.ts";
import type { TokenReviewsOptions } from "./token-reviews.ts";

export interface ReviewAdmissionRules {
  readonly review: Reviewer["reviewToken"];
  readonly maxTokenReviews: number;
  readonly invalidTokenQps: number;
  readonly invalidTokenBurst: number;
  readonly clock: Clock;
  /** Hears of each review that is sent. */
  readonly sent?: () => void;
}

/** Tokens that wait for a review: some KiB each. */
const longestLine = 1024;

const lineRetryMs = 1_000;

/** Refused tokens that are answered in a second, and how far answers may lag behind, in milliseconds. */
const refusalsPerSecond = 500;
const longestLagMs = 1_000;

/**
 * Token reviews in turn, and not for everybody: an address pays for each with its allowance of invalid tokens and gets
 * it back when the token was valid. A review that came to nothing is not given back, for the API server had the work. A
 * connection over which a valid token came before has an allowance of its own: backup programs bring a new token with
 * each stream, and must not be locked out by a flood from behind the same address.
 */
export function admittedReviews(rules: ReviewAdmissionRules): TokenReviewsOptions["ask"] {
  const { review, maxTokenReviews, invalidTokenQps, invalidTokenBurst, clock, sent = () => undefined } = rules;
  const invalid = keyedRate({ perSecond: invalidTokenQps, burst: invalidTokenBurst, clock });
  const line = fairLine({
    atOnce: maxTokenReviews,
    waiting: longestLine,
    full: () =>
      new Refusal("reviewLineFull", "too many tokens wait for a review, of which --max-token-reviews run at a time", {
        retryAfterMs: lineRetryMs,
        limit: "max-token-reviews",
      }),
  });
  // Who asks again as soon as it is refused is slowed down, and leaves time for others.
  let answerAt = 0;
  const pause = async (signal: AbortSignal): Promise<void> => {
    const now = clock.monotonic();
    if (answerAt > now + longestLagMs) return;
    answerAt = Math.max(answerAt, now) + 1000 / refusalsPerSecond;
    await clock.sleep(answerAt - now, signal);
  };
  const pay = async (peer: string, signal: AbortSignal): Promise<void> => {
    const waitMs = invalid.take(peer);
    if (waitMs === 0) return;
    await pause(signal);
    const why =
      "too many tokens that are not valid came from this address, the limit of --invalid-token-qps; try again later";
    throw new Refusal("invalidTokens", why, { retryAfterMs: waitMs, limit: "invalid-token-qps" });
  };
  return async (question, signal, seen) => {
    const { peer } = question;
    if (!seen) await pay(peer, signal);
    let wasted = false;
    try {
      const verdict = await line(peer, signal, () => {
        wasted = true;
        sent();
        return review(question, signal);
      });
      wasted = !verdict.authenticated;
      return verdict;
    } finally {
      if (!seen && !wasted) invalid.giveBack(peer);
    }
  };
}
