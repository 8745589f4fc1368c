import { feature } from "../suite/case.ts";
import type { Doc } from "../suite/doc.ts";
import { resources as known } from "../suite/resources.ts";
import type { Session } from "../suite/session.ts";

/** Of a list of resources those that the suite knows; the embedded server need not have the others. */
function inUse(apiVersion: string) {
  const names = new Set(
    Object.values(known)
      .filter((resource) => resource.apiVersion === apiVersion)
      .map((resource) => resource.plural),
  );
  return (body: Doc): unknown => ({
    ...body,
    resources: byName(body["resources"] as { name: string }[]).filter(
      ({ name }) => names.has(name.split("/")[0] ?? "") && !unusedSubresources.has(name),
    ),
  });
}

function byName<T extends { readonly name: string }>(list: readonly T[]): readonly T[] {
  return list.toSorted((a, b) => a.name.localeCompare(b.name));
}

/** Subresources of kinds in use that nobody here uses. */
const unusedSubresources = new Set([
  ...["attach", "binding", "ephemeralcontainers", "eviction", "exec", "log", "portforward", "proxy", "resize"].map(
    (name) => `pods/${name}`,
  ),
  "nodes/proxy",
]);

const groups = [
  "apiextensions.k8s.io",
  "authentication.k8s.io",
  "authorization.k8s.io",
  "coordination.k8s.io",
  "events.k8s.io",
  "rbac.authorization.k8s.io",
  "storage.k8s.io",
];

function discover(group: string) {
  return async (c: Session): Promise<void> => {
    await c.send("GET", `/apis/${group}/v1`, undefined, { select: inUse(`${group}/v1`) });
  };
}

/** What a client can find out about what there is. */
export const discovery = feature("discovery", {
  "the core versions": async (c) => {
    await c.send("GET", "/api", undefined, { select: ({ kind, ...rest }) => ({ kind, versions: rest["versions"] }) });
  },
  "the core resources": async (c) => {
    await c.send("GET", "/api/v1", undefined, { select: inUse("v1") });
  },
  ...Object.fromEntries(groups.map((group) => [`the resources of ${group}`, discover(group)])),
  "the groups": async (c) => {
    const select = (body: Doc) =>
      (body["groups"] as { name: string; versions: { version: string }[] }[])
        .filter(({ name }) => groups.includes(name))
        .map((group) => ({ ...group, versions: group.versions.filter(({ version }) => version === "v1") }))
        .sort((a, b) => a.name.localeCompare(b.name));
    await c.send("GET", "/apis", undefined, { select });
  },
  "a group by itself": async (c) => {
    await c.send("GET", "/apis/coordination.k8s.io", undefined, {
      select: ({ kind, ...rest }) => [kind, rest["name"]],
    });
    await c.send("GET", "/apis/nothing.example.com");
  },
  "a custom group": async (c) => {
    await c.send("GET", `/apis/${c.group}`);
    await c.send("GET", "/apis", undefined, {
      select: (body) => (body["groups"] as { name: string }[]).filter(({ name }) => name === c.group),
    });
  },
  "custom resources": async (c) => {
    // The order in which the definitions came to be known is a matter of chance.
    const select = (body: Doc) => ({ ...body, resources: byName(body["resources"] as { name: string }[]) });
    await c.send("GET", `/apis/${c.group}/v1`, undefined, { select });
    await c.send("GET", `/apis/${c.group}/v1alpha1`, undefined, { select });
    await c.send("GET", `/apis/${c.group}/v1beta1`);
  },
  "the version": async (c) => {
    await c.send("GET", "/version", undefined, { select: (body) => Object.keys(body).sort() });
  },
});
