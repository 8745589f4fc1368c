import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { parseAllDocuments } from "yaml";
import type { AnyComponent, PolicyRule } from "../pkg/runtime/lifecycle/index.ts";
import { mergeRules, rbacFiles, rbacObjects } from "./generate-rbac.ts";

const events: PolicyRule = { apiGroups: [""], resources: ["events"], verbs: ["create", "patch"] };
const leases: PolicyRule = {
  apiGroups: ["coordination.k8s.io"],
  resources: ["leases"],
  verbs: ["get", "update"],
  scope: "namespace",
};

describe("mergeRules", () => {
  it("brings the verbs of one resource together, sorted and once each", () => {
    const again: PolicyRule = { apiGroups: [""], resources: ["pods", "events"], verbs: ["patch", "get"] };
    expect(mergeRules([events, again])).toEqual([
      { apiGroups: [""], resources: ["events"], verbs: ["create", "get", "patch"] },
      { apiGroups: [""], resources: ["pods"], verbs: ["get", "patch"] },
    ]);
  });

  it("never lends a verb to objects of other names", () => {
    const one: PolicyRule = { apiGroups: [""], resources: ["secrets"], verbs: ["get"], resourceNames: ["b", "a"] };
    const any: PolicyRule = { apiGroups: [""], resources: ["secrets"], verbs: ["list"] };
    expect(mergeRules([one, any])).toEqual([
      { apiGroups: [""], resources: ["secrets"], verbs: ["get"], resourceNames: ["a", "b"] },
      { apiGroups: [""], resources: ["secrets"], verbs: ["list"] },
    ]);
  });

  it("does not depend on the order of components", () => {
    expect(mergeRules([events, leases])).toEqual(mergeRules([leases, events]));
  });
});

describe("rbacObjects", () => {
  it("grants namespaced rules in the namespace only", () => {
    const objects = rbacObjects("sidecar", [{ rbac: [events] }, { rbac: [leases] }], "home");
    expect(objects).toMatchObject([
      { kind: "ServiceAccount", metadata: { name: "sidecar", namespace: "home" } },
      { kind: "ClusterRole", rules: [{ resources: ["events"] }] },
      { kind: "ClusterRoleBinding", roleRef: { kind: "ClusterRole" }, subjects: [{ namespace: "home" }] },
      { kind: "Role", metadata: { namespace: "home" }, rules: [{ resources: ["leases"] }] },
      { kind: "RoleBinding", roleRef: { kind: "Role" } },
    ]);
  });

  it("makes no empty role", () => {
    expect(rbacObjects("idle", [{ rbac: [] }]).map((each) => each.kind)).toEqual(["ServiceAccount"]);
  });
});

describe("rbacFiles", () => {
  const server = { name: "server", rbac: [leases] };
  const extra = { name: "extra", optional: true, rbac: [events] };
  const files = rbacFiles([{ name: "sidecar", components: [server, extra] as unknown as AnyComponent[] }]);

  it("keeps what an optional component needs out of the program's own role", () => {
    expect([...files.keys()]).toEqual(["sidecar.yaml", "sidecar-extra.yaml"]);
    expect(files.get("sidecar.yaml")).toContain("leases");
    expect(files.get("sidecar.yaml")).not.toContain("events");
  });

  it("binds the optional role to the program's ServiceAccount", () => {
    const [role, binding, ...more] = parseAllDocuments(files.get("sidecar-extra.yaml") ?? "").map((each) =>
      each.toJS(),
    );
    expect(role).toMatchObject({ kind: "ClusterRole", metadata: { name: "sidecar-extra" } });
    expect(role.rules).toMatchObject([{ resources: ["events"] }]);
    expect(binding).toMatchObject({
      kind: "ClusterRoleBinding",
      roleRef: { name: "sidecar-extra" },
      subjects: [{ kind: "ServiceAccount", name: "sidecar", namespace: "csi-driver" }],
    });
    expect(more).toEqual([]);
  });
});

it("deploy/rbac is what the components ask for", () => {
  const folder = resolve(import.meta.dirname, "../deploy/rbac");
  for (const [name, text] of rbacFiles()) expect(readFileSync(resolve(folder, name), "utf8")).toBe(text);
});
