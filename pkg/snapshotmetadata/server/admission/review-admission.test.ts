import { expect, it } from "vitest";
import type { TokenVerdict } from "../../../kube/authn/index.ts";
import { manualClock } from "../../../runtime/timing/index.ts";
import { Refusal } from "../refusals.ts";
import { admittedReviews } from "./review-admission.ts";

const never = new AbortController().signal;
const valid: TokenVerdict = {
  authenticated: true,
  user: { username: "u", groups: [], extra: {} },
  audiences: ["a"],
};

/** An allowance that does not come back by itself, before an API server that answers when told. */
function setUp({ burst = 1, atOnce = 0 } = {}) {
  const clock = manualClock();
  const asked: PromiseWithResolvers<TokenVerdict>[] = [];
  const ask = admittedReviews({
    review: (_question, signal) => {
      const answer = Promise.withResolvers<TokenVerdict>();
      asked.push(answer);
      signal.addEventListener("abort", () => answer.reject(signal.reason), { once: true });
      return answer.promise;
    },
    maxTokenReviews: atOnce,
    invalidTokenQps: 1e-6,
    invalidTokenBurst: burst,
    clock,
  });
  const present = (token: string, signal = never, peer = "p"): Promise<TokenVerdict> =>
    ask({ token, peer, audiences: ["a"] }, signal, false);
  /** Whether the peer has an allowance left: one that is taken without it costs a pause. */
  const mayAsk = async (): Promise<boolean> => {
    const before = asked.length;
    const answer = present("another").catch((thrown: unknown) => expect(thrown).toBeInstanceOf(Refusal));
    await clock.advance(2);
    const reached = asked.length > before;
    asked[before]?.resolve(valid);
    await answer;
    return reached;
  };
  return { clock, asked, present, mayAsk };
}

it("gives back what a valid token took, and nothing for one that is not", async () => {
  const { asked, present, mayAsk } = setUp();
  const first = present("t");
  await Promise.resolve();
  asked[0]?.resolve(valid);
  await first;
  expect(await mayAsk()).toBe(true);
  const second = present("t");
  await Promise.resolve();
  asked.at(-1)?.resolve({ authenticated: false, why: "" });
  await second;
  expect(await mayAsk()).toBe(false);
});

it("does not give back what a review took that came to nothing", async () => {
  const { asked, present, mayAsk } = setUp();
  const failed = present("t");
  await Promise.resolve();
  asked[0]?.reject(new Error("away"));
  await expect(failed).rejects.toThrow("away");
  expect(await mayAsk()).toBe(false);
});

it("nor one that its caller left when it was sent", async () => {
  const { asked, present, mayAsk } = setUp();
  const leaving = new AbortController();
  const left = present("t", leaving.signal);
  await Promise.resolve();
  expect(asked.length).toBe(1);
  leaving.abort(new Error("left"));
  await expect(left).rejects.toThrow("left");
  expect(await mayAsk()).toBe(false);
});

it("gives back what was taken for a review that was never sent", async () => {
  const { clock, asked, present, mayAsk } = setUp({ atOnce: 1 });
  const busy = present("t", never, "another peer");
  await clock.advance(0);
  const leaving = new AbortController();
  const left = present("t", leaving.signal);
  await clock.advance(0);
  leaving.abort(new Error("left"));
  await expect(left).rejects.toThrow("left");
  expect(asked.length).toBe(1);
  asked[0]?.resolve(valid);
  await busy;
  expect(await mayAsk()).toBe(true);
});

it("refusals lag behind by a second at most; those beyond are answered at once", async () => {
  const { clock, present } = setUp({ burst: 1 });
  void present("t");
  let answered = 0;
  const refusals = Array.from({ length: 2_000 }, () => present("t").catch(() => (answered += 1)));
  await clock.advance(0);
  // Five hundred in a second wait their turn, and one more that would begin with the next.
  expect(clock.waiting).toBe(501);
  expect(answered).toBe(1_499);
  await clock.advance(500);
  expect(answered).toBe(1_499 + 250);
  await clock.advance(502);
  await Promise.all(refusals);
  expect(clock.waiting).toBe(0);
});
