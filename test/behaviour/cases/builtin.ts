import { feature } from "../suite/case.ts";
import type { Session } from "../suite/session.ts";
import { map } from "./objects.ts";
import { volume } from "./table.ts";

const claimSpec = {
  accessModes: ["ReadWriteOnce"],
  storageClassName: "none-at-all",
  resources: { requests: { storage: "1Gi" } },
};

function claims(...specs: readonly object[]) {
  return async (c: Session): Promise<void> => {
    for (const [index, spec] of specs.entries()) {
      await c.create("claims", { metadata: { name: `c${index}` }, spec: { ...claimSpec, ...spec } });
    }
  };
}

function volumes(...specs: readonly object[]) {
  return async (c: Session): Promise<void> => {
    for (const [index, spec] of specs.entries()) {
      const name = `pv-${c.id}-${index}`;
      await c.create("volumes", volume(name, spec));
      await c.quietly("DELETE", c.path("volumes", name));
    }
  };
}

const event = (c: Session, more: object) => ({
  metadata: { name: "e" },
  eventTime: "2020-01-01T00:00:00.000001Z",
  reportingController: "example.com/x",
  reportingInstance: "x-1",
  action: "Do",
  reason: "Done",
  type: "Normal",
  note: "a note",
  regarding: { kind: "Pod", name: "p", namespace: c.ns },
  ...more,
});

/** The rules of the built-in kinds in use. */
export const builtin = feature("builtin", {
  "Secret: text becomes data": async (c) => {
    await c.create("secrets", { metadata: { name: "a" }, data: { x: "eA==" }, stringData: { k: "1", x: "wins" } });
    await c.patch("secrets", "a", "merge", { stringData: { k: "2" } });
  },
  "Secret: types ask for keys": async (c) => {
    await c.create("secrets", { metadata: { name: "a" }, type: "kubernetes.io/tls", stringData: { x: "y" } });
    await c.create("secrets", { metadata: { name: "a" }, type: "kubernetes.io/basic-auth" });
    await c.create("secrets", {
      metadata: { name: "a" },
      type: "kubernetes.io/dockerconfigjson",
      stringData: { x: "y" },
    });
    await c.create("secrets", { metadata: { name: "a" }, type: "example.com/any" });
  },
  "Secret: the type is for ever": async (c) => {
    await c.create("secrets", { metadata: { name: "a" } });
    await c.patch("secrets", "a", "merge", { type: "example.com/other" });
  },
  "Secret and ConfigMap: immutable": async (c) => {
    await c.create("secrets", { metadata: { name: "a" }, stringData: { k: "1" }, immutable: true });
    await c.patch("secrets", "a", "merge", { stringData: { k: "2" } });
    await c.patch("secrets", "a", "merge", { immutable: false });
    await c.create("configmaps", { ...map("a"), immutable: true });
    await c.patch("configmaps", "a", "merge", { data: { k: "2" } });
    await c.patch("configmaps", "a", "merge", { immutable: null });
    await c.patch("configmaps", "a", "merge", { metadata: { labels: { x: "y" } } });
  },
  "Secret: bad keys": async (c) => {
    await c.create("secrets", { metadata: { name: "a" }, stringData: { "bad key": "x" } });
  },
  "claim: defaults": async (c) => {
    await c.create("claims", { metadata: { name: "a" }, spec: claimSpec });
  },
  "claim: what is required": claims({ accessModes: [] }, { resources: {} }, { accessModes: ["Sometimes"] }),
  "claim: sizes": claims(
    { resources: { requests: { storage: "-1" } } },
    { resources: { requests: { storage: "0" } } },
    { resources: { requests: { storage: "a lot" } } },
    { resources: { requests: { storage: "1.5Gi" } } },
    { resources: { requests: { storage: "1e3" } } },
    { resources: { requests: { storage: 1024 } } },
    { resources: { requests: { storage: "2Gi" }, limits: { storage: "1Gi" } } },
    { resources: { requests: { storage: "0.5" } } },
  ),
  "claim: volume modes": claims({ volumeMode: "Block" }, { volumeMode: "Tape" }),
  "claim: class names": claims({ storageClassName: "Bad_Name" }, { storageClassName: "" }, { storageClassName: null }),
  "claim: where the data comes from": claims(
    { dataSource: { kind: "PersistentVolumeClaim", name: "x" } },
    { dataSource: { apiGroup: "snapshot.storage.k8s.io", kind: "VolumeSnapshot", name: "x" } },
    { dataSource: { kind: "Secret", name: "x" } },
    { dataSource: { apiGroup: "example.com", kind: "Thing", name: "x" } },
    { dataSourceRef: { apiGroup: "example.com", kind: "Thing", name: "x" } },
    { dataSourceRef: { kind: "PersistentVolumeClaim", name: "" } },
    {
      dataSource: { kind: "PersistentVolumeClaim", name: "x" },
      dataSourceRef: { kind: "PersistentVolumeClaim", name: "y" },
    },
  ),
  "claim: a source in another namespace": claims({
    dataSourceRef: { kind: "PersistentVolumeClaim", name: "x", namespace: "elsewhere" },
  }),
  "claim: selectors and names of volumes": claims(
    { selector: { matchLabels: { a: "b" } } },
    { selector: { matchExpressions: [{ key: "a", operator: "Near" }] } },
    { volumeName: "Bad_Name" },
  ),
  "claim: the spec is for ever": async (c) => {
    await c.create("claims", { metadata: { name: "a" }, spec: claimSpec });
    await c.until(c.path("claims", "a"), ({ body }) => (body.metadata?.finalizers ?? []).length > 0);
    await c.patch("claims", "a", "merge", { spec: { accessModes: ["ReadOnlyMany"] } });
    await c.patch("claims", "a", "merge", { spec: { resources: { requests: { storage: "2Gi" } } } });
  },
  "claim: protected, then gone": async (c) => {
    await c.create("claims", { metadata: { name: "a" }, spec: claimSpec });
    await c.remove("claims", "a");
    await c.until(c.path("claims", "a"), ({ status }) => status === 404);
  },
  "volume: defaults": volumes({}),
  "volume: what is required": volumes(
    { capacity: {} },
    { accessModes: [] },
    { csi: null },
    { csi: { driver: "x.example.com" } },
  ),
  "volume: policies and modes": volumes(
    { persistentVolumeReclaimPolicy: "Burn" },
    { persistentVolumeReclaimPolicy: "Delete" },
    { volumeMode: "Tape" },
    { accessModes: ["ReadWriteOncePod", "ReadWriteOnce"] },
  ),
  "volume: several sources": volumes({ hostPath: { path: "/x" } }),
  "volume: secrets of the driver": volumes({
    csi: { driver: "x.example.com", volumeHandle: "h", nodeStageSecretRef: { name: "s" } },
  }),
  "volume: the source is for ever": async (c) => {
    const name = `pv-${c.id}`;
    await c.create("volumes", volume(name));
    await c.until(c.path("volumes", name), ({ body }) => (body.status as { phase?: string }).phase === "Available");
    await c.patch("volumes", name, "merge", { spec: { csi: { volumeHandle: "other" } } });
    await c.patch("volumes", name, "merge", { spec: { volumeMode: "Block" } });
    await c.patch("volumes", name, "merge", { spec: { capacity: { storage: "2Gi" } } });
    await c.remove("volumes", name);
    await c.until(c.path("volumes", name), ({ status }) => status === 404);
  },
  "class: defaults and what is required": async (c) => {
    const name = `sc-${c.id}`;
    await c.create("storageclasses", { metadata: { name } });
    await c.create("storageclasses", { metadata: { name }, provisioner: "x.example.com", reclaimPolicy: "Burn" });
    await c.create("storageclasses", { metadata: { name }, provisioner: "x.example.com", volumeBindingMode: "Never" });
    await c.create("storageclasses", { metadata: { name }, provisioner: "x.example.com", parameters: { a: "b" } });
    await c.patch("storageclasses", name, "merge", { parameters: { a: "c" } });
    await c.patch("storageclasses", name, "merge", { provisioner: "y.example.com" });
    await c.patch("storageclasses", name, "merge", { reclaimPolicy: "Retain" });
    await c.patch("storageclasses", name, "merge", { allowVolumeExpansion: true });
    await c.remove("storageclasses", name);
  },
  "driver: defaults and what is for ever": async (c) => {
    const name = `${c.id}.example.com`;
    await c.create("csidrivers", { metadata: { name }, spec: {} });
    await c.patch("csidrivers", name, "merge", { spec: { attachRequired: false } });
    await c.patch("csidrivers", name, "merge", { spec: { fsGroupPolicy: "File" } });
    await c.create("csidrivers", { metadata: { name: `x${name}` }, spec: { volumeLifecycleModes: ["Never"] } });
    await c.remove("csidrivers", name);
  },
  "node: registration of a driver": async (c) => {
    const name = `node-${c.id}`;
    await c.create("nodes", { metadata: { name } });
    await c.create("csinodes", {
      metadata: { name },
      spec: { drivers: [{ name: "x.example.com", nodeID: "n", topologyKeys: ["example.com/zone"] }] },
    });
    await c.create("csinodes", {
      metadata: { name: `x${name}` },
      spec: { drivers: [{ name: "x.example.com", nodeID: "" }] },
    });
    await c.remove("csinodes", name);
    await c.remove("nodes", name);
  },
  "lease: times and bounds": async (c) => {
    const spec = { holderIdentity: "me", leaseDurationSeconds: 15, acquireTime: "2020-01-01T00:00:00.000001Z" };
    await c.create("leases", { metadata: { name: "a" }, spec });
    await c.create("leases", { metadata: { name: "b" }, spec: { ...spec, leaseDurationSeconds: 0 } });
    await c.create("leases", { metadata: { name: "b" }, spec: { ...spec, leaseTransitions: -1 } });
    await c.create("leases", { metadata: { name: "b" }, spec: { renewTime: "2020-01-01T00:00:00Z" } });
    await c.create("leases", { metadata: { name: "c" }, spec: { renewTime: "2020-01-01T00:00:00.5+01:00" } });
    await c.create("leases", { metadata: { name: "d" } });
  },
  "event: a new one in the old group": async (c) => {
    await c.create("events", event(c, {}));
    await c.get("coreevents", "e");
    await c.get("events", "e");
  },
  "event: an old one in the new group": async (c) => {
    const involvedObject = { kind: "Pod", name: "p", namespace: c.ns };
    await c.create("coreevents", {
      metadata: { name: "e" },
      involvedObject,
      reason: "Done",
      message: "a note",
      source: { component: "x" },
      count: 2,
      firstTimestamp: "2020-01-01T00:00:00Z",
      lastTimestamp: "2020-01-02T00:00:00Z",
      type: "Warning",
    });
    await c.get("events", "e");
  },
  "event: what is required": async (c) => {
    for (const more of [
      { eventTime: null },
      { reportingController: "" },
      { reportingInstance: "" },
      { action: "" },
      { reason: "" },
      { type: "Odd" },
      { note: "x".repeat(1025) },
      { regarding: { kind: "Pod", name: "p", namespace: "elsewhere" } },
    ]) {
      await c.create("events", event(c, more), { select: () => "accepted" });
    }
  },
  "event: a series": async (c) => {
    await c.create("events", event(c, {}));
    const series = { count: 2, lastObservedTime: "2020-01-01T00:01:00.000001Z" };
    await c.patch("events", "e", "merge", { series });
    await c.patch("events", "e", "merge", { reason: "Other" });
  },
  "account: defaults": async (c) => {
    await c.create("serviceaccounts", { metadata: { name: "a" }, automountServiceAccountToken: false });
    await c.patch("serviceaccounts", "a", "merge", { imagePullSecrets: [{ name: "x" }] });
  },
  "ConfigMap: null data": async (c) => {
    await c.create("configmaps", { metadata: { name: "a" }, data: null });
    await c.create("configmaps", { metadata: { name: "b" }, data: { k: null } });
    await c.create("configmaps", { metadata: { name: "c" }, data: {} });
  },
});

/** Claims and volumes find each other. */
export const binding = feature("binding", {
  "a claim and a volume that name each other": async (c) => {
    const name = `pv-${c.id}`;
    await c.create(
      "volumes",
      volume(name, { storageClassName: "none-at-all", claimRef: { namespace: c.ns, name: "a" } }),
    );
    await c.create("claims", { metadata: { name: "a" }, spec: { ...claimSpec, volumeName: name } });
    await c.until(c.path("claims", "a"), ({ body }) => (body.status as { phase?: string })?.phase === "Bound");
    await c.until(c.path("volumes", name), ({ body }) => (body.status as { phase?: string })?.phase === "Bound");
    await c.remove("claims", "a", undefined, { select: ({ kind }) => kind });
    await c.until(c.path("volumes", name), ({ body }) => (body.status as { phase?: string })?.phase === "Released");
    await c.remove("volumes", name, undefined, { select: ({ kind }) => kind });
  },
  "a claim of a class asks its provisioner": async (c) => {
    const name = `sc-${c.id}`;
    await c.create("storageclasses", { metadata: { name }, provisioner: "x.example.com" });
    await c.create("claims", { metadata: { name: "a" }, spec: { ...claimSpec, storageClassName: name } });
    await c.until(c.path("claims", "a"), ({ body }) => JSON.stringify(body).includes("storage-provisioner"));
    await c.remove("storageclasses", name, undefined, { select: ({ kind }) => kind });
  },
});
