import { expect, test } from "vitest";
import { type Served, served } from "../testing/served.ts";
import { impersonationModes } from "./impersonation.ts";

const base = "/api/v1/namespaces/default";
const rbac = "/apis/rbac.authorization.k8s.io/v1/namespaces/default";
const reviews = "/apis/authentication.k8s.io/v1/tokenreviews";

class SettableClock {
  shiftMs = 0;
  now = (): number => Date.now() + this.shiftMs;
  monotonic = (): number => performance.now();
  sleep = (): Promise<void> => Promise.resolve();
}

async function account({ send }: Served, name = "robot"): Promise<string> {
  await send("POST", `${base}/serviceaccounts`, { metadata: { name } });
  return name;
}

async function tokenOf({ send }: Served, name: string, spec: object = {}): Promise<string> {
  const { status, body } = await send("POST", `${base}/serviceaccounts/${name}/token`, { spec });
  expect(status).toBe(201);
  return body.status.token;
}

const review = async ({ send }: Served, token: string, audiences?: string[]) =>
  (await send("POST", reviews, { spec: { token, ...(audiences ? { audiences } : {}) } })).body.status;

const grant = async ({ send }: Served, name: string, rules: object[]) => {
  await send("POST", `${rbac}/roles`, { metadata: { name }, rules });
  await send("POST", `${rbac}/rolebindings`, {
    metadata: { name },
    roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "Role", name },
    subjects: [{ kind: "ServiceAccount", name: "robot", namespace: "default" }],
  });
};

test("a token is a JSON web token with the usual claims", async () => {
  const it = await served();
  const token = await tokenOf(it, await account(it), { audiences: ["backup"], expirationSeconds: 600 });
  const [header, claims] = token.split(".").map((part) => {
    try {
      return JSON.parse(Buffer.from(part, "base64url").toString());
    } catch {
      return undefined;
    }
  });
  expect(header).toMatchObject({ alg: "ES256", kid: expect.any(String) });
  expect(claims).toMatchObject({
    aud: ["backup"],
    sub: "system:serviceaccount:default:robot",
    "kubernetes.io": { namespace: "default", serviceaccount: { name: "robot", uid: expect.any(String) } },
  });
  expect(claims.exp - claims.iat).toBe(600);
});

test("too short a life is refused", async () => {
  const it = await served();
  await account(it);
  const told = await it.send("POST", `${base}/serviceaccounts/robot/token`, { spec: { expirationSeconds: 599 } });
  expect(told).toMatchObject({ status: 422, body: { message: expect.stringContaining("less than 10 minutes") } });
});

test("a review tells who it is, for which audience", async () => {
  const it = await served();
  const token = await tokenOf(it, await account(it), { audiences: ["backup", "other"] });
  expect(await review(it, token, ["backup", "third"])).toMatchObject({
    authenticated: true,
    audiences: ["backup"],
    user: { username: "system:serviceaccount:default:robot" },
  });
  expect((await review(it, token, ["third"])).authenticated).toBeUndefined();
  expect((await review(it, token)).authenticated).toBeUndefined();
  expect((await review(it, `${token.slice(0, -4)}AAAA`, ["backup"])).error).toContain("invalid bearer token");
});

test("a token dies with its time and with its account", async () => {
  const clock = new SettableClock();
  const it = await served({ clock });
  const [old, young] = [await tokenOf(it, await account(it), { expirationSeconds: 600 }), await tokenOf(it, "robot")];
  clock.shiftMs = 700_000;
  expect((await it.as(old).send("GET", `${base}/configmaps`)).status).toBe(401);
  expect((await it.as(young).send("GET", `${base}/configmaps`)).status).toBe(403);
  await it.send("DELETE", `${base}/serviceaccounts/robot`);
  await account(it);
  expect((await it.as(young).send("GET", `${base}/configmaps`)).status).toBe(401);
});

test("rights are those of the roles, and a denial says which one is missing", async () => {
  const it = await served();
  const robot = it.as(await tokenOf(it, await account(it)));
  await grant(it, "reader", [{ apiGroups: [""], resources: ["configmaps"], verbs: ["get"], resourceNames: ["a"] }]);
  await it.send("POST", `${base}/configmaps`, { metadata: { name: "a" } });
  expect((await robot.send("GET", `${base}/configmaps/a`)).status).toBe(200);
  const denied = await robot.send("GET", `${base}/configmaps/b`);
  expect(denied.body.message).toBe(
    'configmaps "b" is forbidden: User "system:serviceaccount:default:robot" cannot get resource "configmaps" in API group "" in the namespace "default"',
  );
  expect((await robot.send("GET", "/api/v1/configmaps")).body.message).toContain("at the cluster scope");
});

test("nobody hands out what he does not have", async () => {
  const it = await served();
  const robot = it.as(await tokenOf(it, await account(it)));
  const all = { apiGroups: ["rbac.authorization.k8s.io"], resources: ["roles"], verbs: ["create"] };
  const own = { apiGroups: [""], resources: ["configmaps"], verbs: ["get"] };
  await grant(it, "maker", [all, own]);
  const role = (name: string, verbs: string[]) =>
    robot.send("POST", `${rbac}/roles`, { metadata: { name }, rules: [{ ...own, verbs }] });
  expect((await role("same", ["get"])).status).toBe(201);
  const more = await role("more", ["get", "delete"]);
  expect(more.status).toBe(403);
  expect(more.body.message).toContain('{APIGroups:[""], Resources:["configmaps"], Verbs:["delete"]}');
});

test("impersonation needs a right of its own; the administrator has it", async () => {
  const it = await served();
  const headers = { "impersonate-user": "alice", "impersonate-group": "team" };
  const who = "/apis/authentication.k8s.io/v1/selfsubjectreviews";
  const alice = await it.send("POST", who, {}, headers);
  expect(alice.body.status.userInfo).toMatchObject({ username: "alice", groups: ["team", "system:authenticated"] });
  const robot = it.as(await tokenOf(it, await account(it)));
  expect((await robot.send("POST", who, {}, headers)).body.message).toContain("cannot impersonate-on:user-info:create");
  expect((await it.send("POST", who, {}, { "impersonate-group": "team" })).status).toBe(400);
});

test.each([
  ["alice", undefined, ["system:authenticated"]],
  ["system:anonymous", undefined, ["system:unauthenticated"]],
  ["alice", "system:unauthenticated", ["system:unauthenticated"]],
  ["alice", "team, system:authenticated", ["team", "system:authenticated"]],
  [
    "system:serviceaccount:a:b",
    undefined,
    ["system:serviceaccounts", "system:serviceaccounts:a", "system:authenticated"],
  ],
])("whoever impersonates %s with groups %s is in %j", async (user, groups, expected) => {
  const headers = { "impersonate-user": user, ...(groups === undefined ? {} : { "impersonate-group": groups }) };
  const request = { user: { name: "boss", uid: "", groups: ["system:masters"], extra: {} }, ...question };
  expect(impersonationModes(headers, request)?.at(-1)?.user.groups).toEqual(expected);
});

const question = { verb: "get", group: "", version: "v1", resource: "pods", subresource: "", namespace: "", name: "" };
