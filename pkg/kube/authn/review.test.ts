import { afterEach, expect, test } from "vitest";
import { silentLogger } from "../../runtime/log/index.ts";
import { createKubeClient, loadKubeConfig } from "../client/index.ts";
import { reply, ScriptedServer } from "../testing/scripted-server.ts";
import { requestToken, reviewAccess, reviewToken } from "./review.ts";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** A server that answers every review with this status. */
async function answering(status: object | undefined) {
  const server = await ScriptedServer.start(({ body }, response) =>
    reply(response, 201, { ...JSON.parse(body), ...(status ? { status } : {}) }),
  );
  cleanups.push(() => server[Symbol.asyncDispose]());
  const config = loadKubeConfig({ text: server.kubeconfig(), env: {} });
  const client = createKubeClient({ config, userAgent: "unit", log: silentLogger() });
  cleanups.push(() => client.close());
  return { client, sent: () => JSON.parse(server.received[0]?.body ?? "null") as { spec: object } };
}

const user = { username: "robot", uid: "7", groups: ["g"], extra: { k: ["v"] } };
const question = { token: "secret-token", audiences: ["mine", "also-mine"] };

test("a token counts when the server names one of our audiences", async () => {
  const { client, sent } = await answering({ authenticated: true, user, audiences: ["mine", "foreign"] });
  expect(await reviewToken(client, question)).toEqual({ authenticated: true, user, audiences: ["mine"] });
  expect(sent().spec).toEqual(question);
});

test.each([
  ["knows nothing of audiences", { authenticated: true, user }],
  ["names other audiences", { authenticated: true, user, audiences: ["foreign"] }],
  ["names no user", { authenticated: true, audiences: ["mine"] }],
  [
    "names nobody",
    { authenticated: true, audiences: ["mine"], user: { username: "x", groups: ["system:unauthenticated"] } },
  ],
  ["says no", { authenticated: false, error: "expired" }],
  ["says nothing", undefined],
])("a server that %s has not vouched for the token", async (_what, status) => {
  const { client } = await answering(status);
  const verdict = await reviewToken(client, question);
  expect(verdict.authenticated).toBe(false);
  expect(JSON.stringify(verdict)).not.toContain("secret-token");
});

test.each([
  [
    { allowed: true, reason: "granted" },
    { allowed: true, why: "granted" },
  ],
  [
    { allowed: false, reason: "" },
    { allowed: false, why: "" },
  ],
  [
    { allowed: true, denied: true },
    { allowed: false, why: "" },
  ],
  [
    { allowed: false, evaluationError: "role is gone" },
    { allowed: false, why: "role is gone" },
  ],
  [undefined, { allowed: false, why: "" }],
])("access %j means %j", async (status, verdict) => {
  const { client, sent } = await answering(status);
  const resourceAttributes = { verb: "get", resource: "pods", namespace: undefined };
  expect(await reviewAccess(client, { user, resourceAttributes })).toEqual(verdict);
  const { username: name, ...rest } = user;
  expect(sent().spec).toEqual({ user: name, ...rest, resourceAttributes: { verb: "get", resource: "pods" } });
});

test("an answer without token is a failure that names the account", async () => {
  const { client } = await answering(undefined);
  const wish = { namespace: "a", serviceAccount: "robot", audiences: ["mine"] };
  await expect(requestToken(client, wish)).rejects.toThrow("no token for ServiceAccount a/robot");
});
