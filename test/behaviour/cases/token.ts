import { feature } from "../suite/case.ts";
import type { Answer, Session } from "../suite/session.ts";
import { tokenOf } from "./authorization.ts";
import { map } from "./objects.ts";

const account = { metadata: { name: "robot" } };

function request(c: Session, spec: object, name = "robot"): Promise<Answer> {
  const body = { apiVersion: "authentication.k8s.io/v1", kind: "TokenRequest", spec };
  return c.createAt("serviceaccounts", name, body, { subresource: "token" });
}

function tokenIn({ body }: Answer): string {
  return (body.status as { token: string }).token;
}

async function robot(c: Session, spec: object = {}): Promise<string> {
  await c.quietly("POST", c.path("serviceaccounts"), c.typed("serviceaccounts", account));
  return await tokenOf(c, "robot", spec);
}

/** What a token says of itself; times as spans, since the normaliser knows no numbers of seconds. */
function claimsOf(token: string): object {
  const claims = JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString()) as Record<string, unknown>;
  const { iat, nbf, exp, ...rest } = claims as { iat: number; nbf: number; exp: number };
  const inside = rest as { "kubernetes.io"?: { warnafter?: number } };
  const warnafter = inside["kubernetes.io"]?.warnafter;
  if (inside["kubernetes.io"] && warnafter !== undefined) inside["kubernetes.io"].warnafter = warnafter - iat;
  return { ...rest, life: exp - iat, validAtOnce: nbf === iat };
}

/** ServiceAccount tokens: audiences, expiry, what they are bound to. */
export const token = feature("token", {
  "a token for the server itself": async (c) => {
    await c.create("serviceaccounts", account);
    c.remark("claims", claimsOf(tokenIn(await request(c, {}))));
  },
  "a token for an audience": async (c) => {
    await c.create("serviceaccounts", account);
    c.remark("claims", claimsOf(tokenIn(await request(c, { audiences: ["a", "b"], expirationSeconds: 1200 }))));
  },
  "a life that is too short or too long": async (c) => {
    await c.create("serviceaccounts", account);
    await request(c, { expirationSeconds: 599 });
    await request(c, { expirationSeconds: 2 ** 33 });
    c.remark("claims", claimsOf(tokenIn(await request(c, { expirationSeconds: 600 }))));
  },
  "a token of an account that does not exist": async (c) => {
    await request(c, {}, "nobody");
  },
  "a token without a spec": async (c) => {
    await c.create("serviceaccounts", account);
    await c.createAt("serviceaccounts", "robot", {}, { subresource: "token" });
    await c.send("GET", c.path("serviceaccounts", "robot", { subresource: "token" }));
  },
  "a token bound to a Secret": async (c) => {
    await c.create("serviceaccounts", account);
    await c.create("secrets", { metadata: { name: "s" } });
    const boundObjectRef = { apiVersion: "v1", kind: "Secret", name: "s" };
    const bound = tokenIn(await request(c, { boundObjectRef }));
    c.remark("claims", claimsOf(bound));
    await c.create("tokenreviews", { spec: { token: bound } });
    await c.remove("secrets", "s");
    await c.until(c.path("tokenreviews"), ({ body }) => (body.status as { error?: string }).error !== undefined, {
      method: "POST",
      body: c.typed("tokenreviews", { spec: { token: bound } }),
    });
  },
  "a token bound to what does not exist or can not be": async (c) => {
    await c.create("serviceaccounts", account);
    await request(c, { boundObjectRef: { apiVersion: "v1", kind: "Secret", name: "nothing" } });
    await request(c, { boundObjectRef: { apiVersion: "v1", kind: "Pod", name: "nothing" } });
    await request(c, { boundObjectRef: { apiVersion: "v1", kind: "ConfigMap", name: "x" } });
    await c.create("secrets", { metadata: { name: "s" } });
    const uid = "11111111-2222-3333-4444-555555555555";
    await request(c, { boundObjectRef: { apiVersion: "v1", kind: "Secret", name: "s", uid } });
  },
  "asking for a token on trial": async (c) => {
    await c.create("serviceaccounts", account);
    const body = { apiVersion: "authentication.k8s.io/v1", kind: "TokenRequest", spec: {} };
    await c.createAt("serviceaccounts", "robot", body, { subresource: "token", query: { dryRun: "All" } });
  },
  "the bearer is the account": async (c) => {
    const bearer = c.as({ name: "robot", token: await robot(c) });
    await bearer.get("configmaps", "a");
    await bearer.create("selfreviews", {});
  },
  "a token for another audience opens nothing": async (c) => {
    const bearer = c.as({ name: "robot", token: await robot(c, { audiences: ["elsewhere"] }) });
    await bearer.get("configmaps", "a");
  },
  "review: a good token": async (c) => {
    await c.create("tokenreviews", { spec: { token: await robot(c) } });
  },
  "review: a token for one of several audiences": async (c) => {
    const text = await robot(c, { audiences: ["a", "b"] });
    await c.create("tokenreviews", { spec: { token: text, audiences: ["b", "c"] } });
    await c.create("tokenreviews", { spec: { token: text, audiences: ["c"] } });
    await c.create("tokenreviews", { spec: { token: text } });
    await c.create("tokenreviews", { spec: { token: text, audiences: ["a", "b"] } });
  },
  "review: a token for the server, asked about for another audience": async (c) => {
    await c.create("tokenreviews", { spec: { token: await robot(c), audiences: ["elsewhere"] } });
  },
  "review: no token, and no token at all": async (c) => {
    await c.create("tokenreviews", { spec: { token: "nonsense" } });
    await c.create("tokenreviews", { spec: { token: "" } });
    await c.create("tokenreviews", {});
    await c.create("tokenreviews", { spec: { token: "a.b.c" } });
  },
  "review: a token with a changed signature": async (c) => {
    const text = await robot(c);
    const [head, claims, signature = ""] = text.split(".");
    const changed = signature.startsWith("A") ? `B${signature.slice(1)}` : `A${signature.slice(1)}`;
    await c.create("tokenreviews", { spec: { token: `${head}.${claims}.${changed}` } });
    await c.as({ name: "forger", token: `${head}.${claims}.${changed}` }).get("configmaps", "a");
  },
  "review: the account is gone": async (c) => {
    const text = await robot(c);
    await c.remove("serviceaccounts", "robot");
    await c.until(c.path("tokenreviews"), ({ body }) => (body.status as { error?: string }).error !== undefined, {
      method: "POST",
      body: c.typed("tokenreviews", { spec: { token: text } }),
    });
    await c.as({ name: "robot", token: text }).get("configmaps", "a");
  },
  "review: the account was made anew": async (c) => {
    const text = await robot(c);
    await c.remove("serviceaccounts", "robot");
    await c.create("serviceaccounts", account);
    await c.until(c.path("tokenreviews"), ({ body }) => (body.status as { error?: string }).error !== undefined, {
      method: "POST",
      body: c.typed("tokenreviews", { spec: { token: text } }),
    });
  },
  "a token alone opens nothing else": async (c) => {
    const bearer = c.as({ name: "robot", token: await robot(c) });
    await bearer.create("tokenreviews", { spec: { token: "x" } });
    await bearer.createAt("serviceaccounts", "robot", { spec: {} }, { subresource: "token" });
  },
  "a right to make tokens": async (c) => {
    const bearer = c.as({ name: "robot", token: await robot(c) });
    await c.create("roles", {
      metadata: { name: "r" },
      rules: [{ apiGroups: [""], resources: ["serviceaccounts/token"], resourceNames: ["robot"], verbs: ["create"] }],
    });
    await c.create("rolebindings", {
      metadata: { name: "b" },
      roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "Role", name: "r" },
      subjects: [{ kind: "ServiceAccount", name: "robot", namespace: c.ns }],
    });
    const body = { apiVersion: "authentication.k8s.io/v1", kind: "TokenRequest", spec: {} };
    await bearer.until(c.path("serviceaccounts", "robot", { subresource: "token" }), ({ status }) => status === 201, {
      method: "POST",
      body,
    });
    await bearer.createAt("serviceaccounts", "default", body, { subresource: "token" });
  },
  "a token in a Secret": async (c) => {
    await c.create("secrets", {
      metadata: { name: "s", annotations: { "kubernetes.io/service-account.name": "default" } },
      type: "Opaque",
    });
    await c.create("configmaps", map("a"));
  },
});

/** Tokens that ran out. */
export const expiredToken = feature(
  "expired token",
  {
    "it opens nothing": async (c) => {
      await c.create("serviceaccounts", account);
      await c.as({ name: "robot", token: await c.expiredToken("robot") }).get("configmaps", "a");
    },
    "a review says why": async (c) => {
      await c.create("serviceaccounts", account);
      const { body } = await c.create("tokenreviews", { spec: { token: await c.expiredToken("robot") } });
      c.remark("authenticated", (body.status as { authenticated?: boolean }).authenticated ?? false);
    },
  },
  ["expired tokens"],
);
