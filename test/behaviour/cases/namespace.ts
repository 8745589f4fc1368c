import { feature } from "../suite/case.ts";
import type { Session } from "../suite/session.ts";
import { map, widget } from "./objects.ts";

function gone(c: Session, name = c.ns) {
  return c.until(c.path("namespaces", name), ({ status }) => status === 404, { withinMs: 20_000 });
}

function doomed(c: Session) {
  return c.until(c.path("configmaps", "held"), ({ body }) => body.metadata?.deletionTimestamp !== undefined);
}

function phase(status: unknown): string | undefined {
  return (status as { phase?: string } | undefined)?.phase;
}

/** Life and death of a namespace. */
export const namespace = feature("namespace", {
  "a new one": async (c) => {
    const { body } = await c.create("namespaces", { metadata: { name: `new-${c.id}` } });
    c.remark("finalizers", (body["spec"] as { finalizers?: unknown }).finalizers);
    await c.remove("namespaces", `new-${c.id}`);
    await gone(c, `new-${c.id}`);
  },
  "it gets an account and the authority's certificate": async (c) => {
    await c.until(c.path("serviceaccounts", "default"), ({ status }) => status === 200);
    await c.until(c.path("configmaps", "kube-root-ca.crt"), ({ status }) => status === 200, {
      select: ({ data, metadata }) => ({ keys: Object.keys((data ?? {}) as object), metadata }),
    });
  },
  "the account comes again": async (c) => {
    await c.until(c.path("serviceaccounts", "default"), ({ status }) => status === 200);
    const { body } = await c.remove("serviceaccounts", "default");
    const old = (body["metadata"] as { uid?: string } | undefined)?.uid;
    await c.until(
      c.path("serviceaccounts", "default"),
      (answer) => answer.status === 200 && answer.body.metadata?.uid !== old,
    );
  },
  "its content goes with it": async (c) => {
    await c.create("configmaps", map("a"));
    await c.create("widgets", widget("a"));
    await c.remove("namespaces", c.ns);
    await gone(c);
    await c.get("configmaps", "a");
    await c.get("widgets", "a");
  },
  "nothing may come while it goes": async (c) => {
    await c.create("configmaps", map("held", {}, { finalizers: ["example.com/hold"] }));
    await c.remove("namespaces", c.ns);
    await c.create("configmaps", map("late"));
    await c.create("widgets", widget("late"));
    await doomed(c);
    await c.patch("configmaps", "held", "merge", { data: { k: "2" } });
    await c.patch("configmaps", "held", "merge", { metadata: { finalizers: null } });
    await gone(c);
  },
  "what holds it is told": async (c) => {
    await c.create("widgets", widget("held", {}, { finalizers: ["example.com/hold"] }));
    await c.remove("namespaces", c.ns);
    const conditions = ({ status }: { status?: unknown }) =>
      ((status as { conditions?: { type: string }[] } | undefined)?.conditions ?? [])
        .filter(({ type }) => type === "NamespaceContentRemaining" || type === "NamespaceFinalizersRemaining")
        .sort((a, b) => a.type.localeCompare(b.type));
    await c.until(c.path("namespaces", c.ns), ({ body }) => conditions(body).length === 2, { select: conditions });
    await c.patch("widgets", "held", "merge", { metadata: { finalizers: null } });
    await gone(c);
  },
  "deleting it again": async (c) => {
    await c.create("configmaps", map("held", {}, { finalizers: ["example.com/hold"] }));
    await c.remove("namespaces", c.ns, undefined, { select: ({ status }) => phase(status) });
    const again = await c.remove("namespaces", c.ns, undefined, { select: () => "an answer" });
    c.remark("status", again.status);
    await doomed(c);
    await c.patch("configmaps", "held", "merge", { metadata: { finalizers: null } });
    await gone(c);
  },
  "its name can be used again": async (c) => {
    const name = `again-${c.id}`;
    await c.create("namespaces", { metadata: { name } });
    await c.create("namespaces", { metadata: { name } });
    await c.remove("namespaces", name);
    await gone(c, name);
    await c.create("namespaces", { metadata: { name } });
    await c.remove("namespaces", name);
  },
  "the default one stays": async (c) => {
    await c.remove("namespaces", "default");
    await c.remove("namespaces", "kube-system");
  },
  labels: async (c) => {
    await c.get("namespaces", c.ns);
    await c.patch("namespaces", c.ns, "merge", {
      metadata: { labels: { a: "b", "kubernetes.io/metadata.name": "other" } },
    });
    await c.patch("namespaces", c.ns, "merge", { metadata: { labels: null } });
  },
  "its finalizers": async (c) => {
    await c.patch("namespaces", c.ns, "merge", { spec: { finalizers: ["example.com/x"] } });
    await c.get("namespaces", c.ns);
  },
});
