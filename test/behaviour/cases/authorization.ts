import { feature } from "../suite/case.ts";
import type { Session } from "../suite/session.ts";
import { map, widget } from "./objects.ts";

interface Rule {
  readonly apiGroups?: readonly string[];
  readonly resources?: readonly string[];
  readonly verbs: readonly string[];
  readonly resourceNames?: readonly string[];
  readonly nonResourceURLs?: readonly string[];
}

const reads = (...resources: string[]): Rule => ({ apiGroups: [""], resources, verbs: ["get", "list", "watch"] });

/** A role in the namespace of the case and a user who has it. */
async function userWith(c: Session, ...rules: Rule[]): Promise<Session> {
  const user = `user-${c.id}`;
  await c.quietly("POST", c.path("roles"), c.typed("roles", { metadata: { name: "role" }, rules }));
  await c.quietly(
    "POST",
    c.path("rolebindings"),
    c.typed("rolebindings", {
      metadata: { name: "binding" },
      roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "Role", name: "role" },
      subjects: [{ apiGroup: "rbac.authorization.k8s.io", kind: "User", name: user }],
    }),
  );
  const bob = c.asUser(user);
  // The authorizer reads roles from a cache.
  const review = { spec: { resourceAttributes: { namespace: c.ns, ...firstOf(rules) } } };
  if (firstOf(rules) === undefined) return bob;
  await c.settle(async () => {
    const { body } = await bob.quietly("POST", c.path("ownreviews"), c.typed("ownreviews", review));
    return (body.status as { allowed?: boolean }).allowed === true;
  });
  return bob;
}

function firstOf(rules: readonly Rule[]): object | undefined {
  const [rule] = rules;
  if (rule?.resources === undefined) return undefined;
  const [resource = "", subresource] = (rule.resources[0] ?? "").split("/");
  return {
    verb: rule.verbs[0],
    group: rule.apiGroups?.[0],
    resource,
    ...(subresource ? { subresource } : {}),
    ...(rule.resourceNames ? { name: rule.resourceNames[0] } : {}),
  };
}

/** Who may do what. */
export const authorization = feature("authorization", {
  "a user without rights": async (c) => {
    const bob = c.asUser("bob");
    await bob.get("configmaps", "a");
    await bob.list("configmaps");
    await bob.create("configmaps", map("a"));
    await bob.update("configmaps", map("a"));
    await bob.patch("configmaps", "a", "merge", {});
    await bob.remove("configmaps", "a");
    await bob.removeAll("configmaps");
    await bob.list("configmaps", { watch: true });
  },
  "a user without rights and custom objects": async (c) => {
    const bob = c.asUser("bob");
    await bob.get("widgets", "a");
    await bob.list("widgets");
    await bob.create("widgets", widget("a"));
    await bob.patch("widgets", "a", "merge", {}, { subresource: "status" });
    await bob.get("gadgets", "a");
  },
  "a user without rights across the cluster": async (c) => {
    const bob = c.asUser("bob");
    await bob.list("secrets", {}, { namespace: undefined });
    await bob.get("volumes", "a");
    await bob.list("crds");
    await bob.create("namespaces", { metadata: { name: `x-${c.id}` } });
    await bob.create("tokenreviews", { spec: { token: "x" } });
    await bob.send("GET", "/metrics");
  },
  "rights come before existence": async (c) => {
    const bob = c.asUser("bob");
    await bob.send("GET", `/apis/${c.group}/v1/namespaces/${c.ns}/nothings`);
    await bob.send("GET", `/apis/nothing.example.com/v1/nothings`);
    await bob.get("configmaps", "nothing", { namespace: `no-${c.id}` });
  },
  "nobody in particular": async (c) => {
    const nobody = c.as({ name: "nobody", token: "" });
    await nobody.list("configmaps");
    await nobody.send("GET", "/healthz");
    await nobody.send("GET", "/version", undefined, { select: () => "a version" });
    await nobody.send("GET", "/api");
  },
  "a token that nobody gave": async (c) => {
    await c.as({ name: "stranger", token: "stranger" }).list("configmaps");
    await c.list("secrets", {}, { headers: { authorization: "Basic eDp5" } });
    await c.list("secrets", {}, { headers: { authorization: "Bearer" } });
  },
  "a role allows what it says and no more": async (c) => {
    const bob = await userWith(c, reads("configmaps"));
    await c.create("configmaps", map("a"));
    await bob.get("configmaps", "a");
    await bob.list("configmaps", { labelSelector: "x=y" });
    await bob.create("configmaps", map("b"));
    await bob.get("secrets", "a");
    await bob.get("configmaps", "a", { namespace: "default" });
    await bob.list("configmaps", {}, { namespace: undefined });
  },
  "a role for one object": async (c) => {
    const bob = await userWith(c, { ...reads("configmaps"), resourceNames: ["a"] });
    await c.create("configmaps", map("a"));
    await bob.get("configmaps", "a");
    await bob.get("configmaps", "b");
    await bob.list("configmaps");
    await bob.list("configmaps", { fieldSelector: "metadata.name=a" });
    await bob.list("configmaps", { fieldSelector: "metadata.name=b" });
  },
  "a role for a subresource": async (c) => {
    await c.create("widgets", widget("a"));
    const bob = await userWith(c, { apiGroups: [c.group], resources: ["widgets/status"], verbs: ["patch"] });
    await bob.patch("widgets", "a", "merge", { status: { ready: true } }, { subresource: "status" });
    await bob.patch("widgets", "a", "merge", { spec: { size: 2 } });
    await bob.get("widgets", "a", { subresource: "status" });
  },
  "stars in a role": async (c) => {
    await c.create("widgets", widget("a"));
    const bob = await userWith(c, { apiGroups: ["*"], resources: ["*"], verbs: ["get"] });
    await bob.get("widgets", "a");
    await bob.get("widgets", "a", { subresource: "status" });
    await bob.list("widgets");
  },
  "a star for subresources": async (c) => {
    await c.create("widgets", widget("a"));
    const bob = await userWith(c, { apiGroups: [c.group], resources: ["*/status"], verbs: ["get"] });
    await bob.get("widgets", "a", { subresource: "status" });
    await bob.get("widgets", "a");
  },
  "rights of a group": async (c) => {
    await c.create("rolebindings", {
      metadata: { name: "b" },
      roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: "view" },
      subjects: [{ kind: "Group", name: `group-${c.id}`, apiGroup: "rbac.authorization.k8s.io" }],
    });
    const member = c.asUser("bob", [`group-${c.id}`]);
    await member.until(c.path("configmaps", undefined), ({ status }) => status === 200, {
      query: { labelSelector: "x=y" },
    });
    await member.list("secrets");
  },
  "rights across the cluster": async (c) => {
    const name = `role-${c.id}`;
    await c.create("clusterroles", { metadata: { name }, rules: [reads("nodes")] });
    await c.create("clusterrolebindings", {
      metadata: { name },
      roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name },
      subjects: [{ kind: "User", name: `user-${c.id}`, apiGroup: "rbac.authorization.k8s.io" }],
    });
    const bob = c.asUser(`user-${c.id}`);
    await bob.until(c.path("nodes"), ({ status }) => status === 200, { select: () => "nodes" });
    await c.remove("clusterrolebindings", name);
    await bob.until(c.path("nodes"), ({ status }) => status === 403);
    await c.remove("clusterroles", name);
  },
  "rights end with the binding": async (c) => {
    const bob = await userWith(c, reads("configmaps"));
    await bob.list("configmaps", { labelSelector: "x=y" });
    await c.remove("rolebindings", "binding");
    await bob.until(c.path("configmaps"), ({ status }) => status === 403);
  },
  "a binding to a role that is not there": async (c) => {
    await c.create("rolebindings", {
      metadata: { name: "b" },
      roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "Role", name: "nothing" },
      subjects: [{ kind: "User", name: `user-${c.id}`, apiGroup: "rbac.authorization.k8s.io" }],
    });
    const bob = c.asUser(`user-${c.id}`);
    await bob.until(c.path("configmaps", "a"), ({ body }) => String(body["message"]).includes("RBAC"));
  },
  "nobody gives what he does not have": async (c) => {
    const bob = await userWith(
      c,
      {
        apiGroups: ["rbac.authorization.k8s.io"],
        resources: ["roles", "rolebindings"],
        verbs: ["create", "update", "patch"],
      },
      reads("configmaps"),
    );
    await bob.create("roles", { metadata: { name: "less" }, rules: [reads("configmaps")] });
    await bob.create("roles", { metadata: { name: "more" }, rules: [reads("secrets")] });
    await bob.patch("roles", "less", "merge", { rules: [{ apiGroups: ["*"], resources: ["*"], verbs: ["*"] }] });
    await c.create("roles", { metadata: { name: "secrets" }, rules: [reads("secrets")] });
    await bob.create("rolebindings", {
      metadata: { name: "own" },
      roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "Role", name: "secrets" },
      subjects: [{ kind: "User", name: "bob", apiGroup: "rbac.authorization.k8s.io" }],
    });
  },
  "impersonation needs a right": async (c) => {
    const bob = await userWith(c, reads("configmaps"));
    const token = await tokenOf(c, "default");
    const account = c.as({ name: "the default account", token });
    await account.list("configmaps", {}, { headers: { "impersonate-user": "alice" } });
    await bob.list("configmaps", { labelSelector: "x=y" });
  },
  "impersonating a group alone makes no sense": async (c) => {
    await c.list("configmaps", {}, { headers: { "impersonate-group": "x" } });
  },
  "impersonating a ServiceAccount": async (c) => {
    await c.asUser(`system:serviceaccount:${c.ns}:default`).get("configmaps", "a");
    const review = await c.asUser(`system:serviceaccount:${c.ns}:default`).create("selfreviews", {});
    c.remark("status", review.status);
  },
  "roles are validated": async (c) => {
    const bad: readonly object[] = [
      { verbs: ["get"] },
      { apiGroups: [""], resources: ["pods"], verbs: [] },
      { apiGroups: [""], resources: [], verbs: ["get"] },
      { nonResourceURLs: ["/x"], verbs: ["get"] },
      { apiGroups: [], resources: ["pods"], verbs: ["get"] },
    ];
    for (const rule of bad) await c.create("roles", { metadata: { name: "a" }, rules: [rule] });
  },
  "bindings are validated": async (c) => {
    const roleRef = { apiGroup: "rbac.authorization.k8s.io", kind: "Role", name: "x" };
    await c.create("rolebindings", { metadata: { name: "a" }, roleRef: { ...roleRef, kind: "Thing" } });
    await c.create("rolebindings", { metadata: { name: "a" }, roleRef: { ...roleRef, apiGroup: "x" } });
    await c.create("rolebindings", { metadata: { name: "a" }, roleRef: { ...roleRef, name: "" } });
    await c.create("rolebindings", { metadata: { name: "a" }, roleRef, subjects: [{ kind: "Robot", name: "x" }] });
    await c.create("rolebindings", {
      metadata: { name: "a" },
      roleRef,
      subjects: [{ kind: "ServiceAccount", name: "x" }],
    });
    await c.create("rolebindings", { metadata: { name: "a" }, roleRef, subjects: [{ kind: "User", name: "x" }] });
  },
  "the role of a binding is for ever": async (c) => {
    const roleRef = { apiGroup: "rbac.authorization.k8s.io", kind: "Role", name: "x" };
    await c.create("rolebindings", { metadata: { name: "a" }, roleRef });
    await c.patch("rolebindings", "a", "merge", { roleRef: { name: "y" } });
  },
  "aggregated roles": async (c) => {
    const name = `sum-${c.id}`;
    await c.create("clusterroles", {
      metadata: { name: `part-${c.id}`, labels: { [`part-of-${c.id}`]: "true" } },
      rules: [reads("nodes")],
    });
    await c.create("clusterroles", {
      metadata: { name },
      aggregationRule: { clusterRoleSelectors: [{ matchLabels: { [`part-of-${c.id}`]: "true" } }] },
      rules: null,
    });
    await c.until(c.path("clusterroles", name), ({ body }) => Array.isArray(body["rules"]) && body["rules"].length > 0);
    await c.remove("clusterroles", name);
    await c.remove("clusterroles", `part-${c.id}`);
  },
});

/** A token of an account of the case, unrecorded. */
export async function tokenOf(c: Session, account: string, spec: object = {}): Promise<string> {
  const path = c.path("serviceaccounts", account, { subresource: "token" });
  const request = { apiVersion: "authentication.k8s.io/v1", kind: "TokenRequest", spec };
  let token = "none";
  // The account of a new namespace comes a moment after it.
  await c.settle(async () => {
    const { status, body } = await c.quietly("POST", path, request);
    if (status === 201) token = (body.status as { token: string }).token;
    return status === 201;
  });
  return token;
}

/** Questions about rights. */
export const review = feature("review", {
  "may a user do something": async (c) => {
    const ask = (spec: object) => c.create("accessreviews", { spec });
    const resourceAttributes = { namespace: c.ns, verb: "get", resource: "configmaps" };
    await ask({ user: "bob", resourceAttributes });
    await ask({ user: "bob", groups: ["system:masters"], resourceAttributes });
    await ask({ user: `system:serviceaccount:${c.ns}:default`, resourceAttributes });
    await ask({
      user: "bob",
      groups: ["system:authenticated"],
      nonResourceAttributes: { path: "/api", verb: "get" },
    });
    await ask({ user: "bob", nonResourceAttributes: { path: "/metrics", verb: "get" } });
  },
  "which role allowed it": async (c) => {
    await userWith(c, { ...reads("configmaps"), resourceNames: ["a"] });
    const ask = (attributes: object) =>
      c.create("accessreviews", {
        spec: {
          user: `user-${c.id}`,
          resourceAttributes: { namespace: c.ns, verb: "get", resource: "configmaps", ...attributes },
        },
      });
    await ask({ name: "a" });
    await ask({ name: "b" });
    await ask({});
    await ask({ name: "a", verb: "delete" });
    await ask({ name: "a", subresource: "status" });
    await ask({ name: "a", group: "apps" });
  },
  "questions that say too much or too little": async (c) => {
    const resourceAttributes = { namespace: c.ns, verb: "get", resource: "configmaps" };
    await c.create("accessreviews", { spec: { user: "bob" } });
    await c.create("accessreviews", { spec: { resourceAttributes } });
    await c.create("accessreviews", {
      spec: { user: "bob", resourceAttributes, nonResourceAttributes: { path: "/", verb: "get" } },
    });
    await c.create("accessreviews", {});
  },
  "in one namespace": async (c) => {
    const ask = (namespace: string) =>
      c.create("localreviews", {
        spec: { user: "bob", resourceAttributes: { namespace, verb: "get", resource: "pods" } },
      });
    await ask(c.ns);
    await ask("elsewhere");
    await ask("");
  },
  "may I": async (c) => {
    const spec = { resourceAttributes: { namespace: c.ns, verb: "delete", resource: "widgets", group: c.group } };
    await c.create("ownreviews", { spec });
    await c.asUser("bob").create("ownreviews", { spec });
    await c.asUser("bob", ["system:masters"]).create("ownreviews", { spec });
    await c.create("ownreviews", { spec: {} });
  },
  "a star in a question": async (c) => {
    const spec = { resourceAttributes: { namespace: c.ns, verb: "*", resource: "*", group: "*" } };
    await c.create("ownreviews", { spec });
    await c.asUser("bob").create("ownreviews", { spec });
  },
  "what may I": async (c) => {
    const bob = await userWith(c, reads("configmaps"));
    const rules = ({ status }: { status?: unknown }) =>
      (status as { resourceRules: { resources: string[] }[] }).resourceRules.filter(({ resources }) =>
        resources.includes("configmaps"),
      );
    await bob.create("rulesreviews", { spec: { namespace: c.ns } }, { select: rules });
    await bob.create("rulesreviews", { spec: {} });
  },
  "who am I": async (c) => {
    await c.asUser("bob", ["friends"]).create("selfreviews", {});
    const account = c.as({ name: "the default account", token: await tokenOf(c, "default") });
    await account.create("selfreviews", {});
  },
  "reviews leave nothing behind": async (c) => {
    await c.send("GET", c.path("accessreviews"));
    await c.send("GET", c.path("tokenreviews", "x"));
  },
});
