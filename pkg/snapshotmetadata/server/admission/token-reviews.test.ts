import { inspect } from "node:util";
import { expect, it } from "vitest";
import type { TokenVerdict } from "../../../kube/authn/index.ts";
import { manualClock } from "../../../runtime/timing/index.ts";
import type { PresentedToken } from "./authorize.ts";
import { type TokenAnswer, tokenReviews } from "./token-reviews.ts";

const user = { username: "u", groups: [], extra: {} };
const valid: TokenVerdict = { authenticated: true, user, audiences: ["a"] };
const never = new AbortController().signal;
const about = (token: string, audience = "a"): PresentedToken => ({ token, peer: "p", audiences: [audience] });
const jwt = (claims: unknown): string => `x.${Buffer.from(JSON.stringify(claims)).toString("base64url")}.x`;

/** A cache before an API server that answers when told. */
function setUp(ttlMs: number, capacity?: number) {
  const clock = manualClock();
  const asked: {
    question: PresentedToken;
    signal: AbortSignal;
    seen: boolean;
    answer: PromiseWithResolvers<TokenVerdict>;
  }[] = [];
  const from: TokenAnswer[] = [];
  const review = tokenReviews({
    ask: (question, signal, seen) => {
      const answer = Promise.withResolvers<TokenVerdict>();
      asked.push({ question, signal, seen, answer });
      return answer.promise;
    },
    ttlMs,
    clock,
    observe: (each) => from.push(each),
    ...(capacity === undefined ? {} : { capacity }),
  });
  /** Asks, and lets the API server answer at once if it is asked. */
  const through = async (question: PresentedToken, verdict: TokenVerdict = valid): Promise<TokenVerdict> => {
    const before = asked.length;
    const answer = review(question, never);
    asked[before]?.answer.resolve(verdict);
    return await answer;
  };
  return { clock, asked, from, review, through };
}

it("asks once in the life of a valid token, which begins when the question is sent", async () => {
  const { clock, asked, from, review, through } = setUp(10_000);
  const first = review(about("t"), never);
  await clock.advance(4_000);
  asked[0]?.answer.resolve(valid);
  expect(await first).toEqual(valid);
  await clock.advance(5_999);
  expect(await through(about("t"))).toEqual(valid);
  expect(asked.length).toBe(1);
  await clock.advance(1);
  await through(about("t"));
  expect(asked.length).toBe(2);
  expect(from).toEqual(["cached"]);
});

it("tells tokens and audiences apart, wherever the one ends and the other begins", async () => {
  const { asked, through } = setUp(10_000);
  await through(about("t"));
  await through(about("t", "b"));
  await through(about("ta", ""));
  await through({ ...about("t"), audiences: ["a", "b"] });
  expect(asked.length).toBe(4);
});

it("remembers nothing that tells a token, nor the same of it as another process does", async () => {
  const tokens = ["a-token-of-somebody", jwt({ sub: "somebody" })];
  const memories = [new Map(), new Map()];
  for (const memory of memories) {
    const review = tokenReviews({ ask: async () => valid, ttlMs: 10_000, clock: manualClock(), memory });
    for (const token of tokens) await review(about(token), never);
  }
  const [mine = [], other = []] = memories.map((memory) => [...memory.keys()]);
  expect([mine.length, other.length]).toEqual([2, 2]);
  expect(mine.filter((key) => other.includes(key))).toEqual([]);
  const dump = inspect(memories, { depth: 20, maxStringLength: null });
  for (const token of tokens) {
    const parts = token.split(".").filter((part) => part.length > 1);
    for (const part of [token, ...parts, Buffer.from(token).toString("base64")]) expect(dump).not.toContain(part);
  }
});

it("never remembers a refusal or a failure", async () => {
  const { asked, review, through } = setUp(10_000);
  const refusal: TokenVerdict = { authenticated: false, why: "no" };
  expect(await through(about("t"), refusal)).toEqual(refusal);
  const failed = review(about("t"), never);
  asked[1]?.answer.reject(new Error("away"));
  await expect(failed).rejects.toThrow("away");
  expect(await through(about("t"))).toEqual(valid);
  expect(asked.length).toBe(3);
});

it("does not believe a token beyond its own expiry, and no longer because of it", async () => {
  const { clock, asked, through } = setUp(10_000);
  const seconds = clock.now() / 1000;
  const [soon, late, past] = [jwt({ exp: seconds + 3 }), jwt({ exp: seconds + 3600 }), jwt({ exp: seconds - 1 })];
  for (const token of [soon, late, past, past]) await through(about(token));
  expect(asked.length).toBe(4);
  await clock.advance(2_999);
  await through(about(soon));
  expect(asked.length).toBe(4);
  await clock.advance(1);
  await through(about(soon));
  expect(asked.length).toBe(5);
  await clock.advance(7_000);
  await through(about(late));
  expect(asked.length).toBe(6);
});

it.each(["", "opaque", "a.b.c", `a.${"W10"}.c`, jwt(null), jwt({ exp: "soon" }), jwt({ exp: {} })])(
  "a token that tells no expiry has the flag's: %j",
  async (token) => {
    const { clock, asked, through } = setUp(10_000);
    await through(about(token));
    await clock.advance(9_999);
    await through(about(token));
    expect(asked.length).toBe(1);
  },
);

it.each([0, 10_000])("shares one review among all who wait for it, with a memory of %i ms", async (ttlMs) => {
  const { asked, from, review, through } = setUp(ttlMs);
  const three = [1, 2, 3].map(() => review(about("t"), never));
  expect(asked.length).toBe(1);
  asked[0]?.answer.resolve(valid);
  expect(await Promise.all(three)).toEqual([valid, valid, valid]);
  expect(from).toEqual(["shared", "shared"]);
  await through(about("t"));
  expect(asked.length).toBe(ttlMs === 0 ? 2 : 1);
});

it("goes on for those who stay when one leaves, and is given up with the last", async () => {
  const { asked, review } = setUp(10_000);
  const [first, second] = [new AbortController(), new AbortController()];
  const leaving = review(about("t"), first.signal);
  const staying = review(about("t"), second.signal);
  first.abort(new Error("left"));
  await expect(leaving).rejects.toThrow("left");
  expect(asked[0]?.signal.aborted).toBe(false);
  second.abort(new Error("left too"));
  await expect(staying).rejects.toThrow("left too");
  expect(asked[0]?.signal.aborted).toBe(true);
  const next = review(about("t"), never);
  expect(asked.length).toBe(2);
  // The answer to the review that nobody waited for changes nothing for the one under way.
  asked[0]?.answer.reject(new Error("given up"));
  void review(about("t"), never);
  expect(asked.length).toBe(2);
  asked[1]?.answer.resolve(valid);
  expect(await next).toEqual(valid);
});

it("keeps no more than its capacity, and lets the one not seen for longest go", async () => {
  const { asked, through } = setUp(10_000, 2);
  for (const token of ["a", "b", "a", "c"]) await through(about(token));
  expect(asked.length).toBe(3);
  await through(about("a"));
  expect(asked.length).toBe(3);
  await through(about("b"));
  expect(asked.length).toBe(4);
});

it.each([0, 10_000])("knows the tokens that were valid once, until one is refused (memory of %i ms)", async (ttlMs) => {
  const { clock, asked, through } = setUp(ttlMs);
  const ask = async (verdict: TokenVerdict): Promise<boolean | undefined> => {
    await clock.advance(10_000);
    await through(about("t"), verdict);
    return asked.at(-1)?.seen;
  };
  const no: TokenVerdict = { authenticated: false, why: "" };
  expect(await ask(no)).toBe(false);
  expect(await ask(valid)).toBe(false);
  expect(await ask(valid)).toBe(true);
  expect(await ask(no)).toBe(true);
  expect(await ask(valid)).toBe(false);
});
