import { expect, it } from "vitest";
import { createEnv } from "./env.ts";

it("makes a value once, also for callers at the same time", async () => {
  await using env = createEnv();
  let made = 0;
  const make = async () => ({ number: ++made });
  const [a, b] = await Promise.all([env.share("k", make), env.share("k", make)]);
  expect(a).toBe(b);
  expect(await env.share("other", make)).toEqual({ number: 2 });
});

it.each<[string, () => Promise<string>]>([
  ["rejects", () => Promise.reject(new Error("not yet"))],
  [
    "throws",
    () => {
      throw new Error("not yet");
    },
  ],
])("forgets a make that %s", async (_, failing) => {
  await using env = createEnv();
  await expect(env.share("k", failing)).rejects.toThrow("not yet");
  await expect(env.share("k", async () => "made")).resolves.toBe("made");
});

it("disposes of values in the reverse order of their making, all of them", async () => {
  const seen: string[] = [];
  const closing = (name: string, error?: Error) => async () => ({
    async [Symbol.asyncDispose]() {
      seen.push(name);
      if (error !== undefined) throw error;
    },
  });
  const env = createEnv();
  await env.share("a", closing("a"));
  await env.share("b", closing("b", new Error("stuck")));
  await env.share("plain", async () => 5);
  await env.share("c", closing("c"));
  await env.share("failed", () => Promise.reject(new Error("never made"))).catch(() => undefined);
  await expect(env[Symbol.asyncDispose]()).rejects.toMatchObject({ errors: [new Error("stuck")] });
  expect(seen).toEqual(["c", "b", "a"]);
});
