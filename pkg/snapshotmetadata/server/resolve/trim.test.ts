import { describe, expect, it } from "vitest";
import { trimClass, trimContent, trimService, trimSnapshot } from "./trim.ts";

const metadata = {
  name: "n",
  namespace: "ns",
  uid: "u",
  resourceVersion: "7",
  labels: { much: "x".repeat(1000) },
  annotations: { "kubectl.kubernetes.io/last-applied-configuration": "x".repeat(1000) },
  finalizers: ["f"],
};

describe("what a cache keeps", () => {
  it("of a snapshot: whose it is, its class, whether it is ready", () => {
    const error = { message: "why", time: "2026-01-01T00:00:00Z" };
    const status = { readyToUse: true, boundVolumeSnapshotContentName: "c", error };
    const kept = trimSnapshot({
      metadata,
      spec: { source: { persistentVolumeClaimName: "p" }, volumeSnapshotClassName: "k" },
      status: { ...status, restoreSize: "1Gi", creationTime: "2026-01-01T00:00:00Z" },
    });
    expect(kept).toEqual({
      metadata: { name: "n", namespace: "ns", uid: "u", resourceVersion: "7", annotations: {} },
      spec: { source: {}, volumeSnapshotClassName: "k" },
      status,
    });
  });

  it("of a content: both ends of the binding, and which secret was frozen on it", () => {
    const frozen = {
      "snapshot.storage.kubernetes.io/deletion-secret-name": "s",
      "snapshot.storage.kubernetes.io/deletion-secret-namespace": "",
    };
    const spec = {
      driver: "d",
      deletionPolicy: "Delete" as const,
      source: { volumeHandle: "v" },
      volumeSnapshotRef: { name: "n", namespace: "ns", uid: "u" },
    };
    const kept = trimContent({
      metadata: { ...metadata, annotations: { ...metadata.annotations, ...frozen } },
      spec: { ...spec, sourceVolumeMode: "Block" },
      status: { readyToUse: true, snapshotHandle: "h", restoreSize: 5n },
    });
    expect(kept.metadata.annotations).toEqual(frozen);
    expect(kept.spec).toEqual(spec);
    expect(kept.status).toEqual({ readyToUse: true, snapshotHandle: "h" });
  });

  it("of a class: the secret's parameters, and whether it is the default", () => {
    const secret = { "csi.storage.k8s.io/snapshotter-secret-name": "s" };
    const marked = { "snapshot.storage.kubernetes.io/is-default-class": "true" };
    const kept = trimClass({
      metadata: { ...metadata, annotations: { ...metadata.annotations, ...marked } },
      driver: "d",
      deletionPolicy: "Retain",
      parameters: { ...secret, pool: "fast" },
    });
    expect(kept).toMatchObject({ metadata: { annotations: marked }, driver: "d", parameters: secret });
    expect(Object.keys(kept.parameters ?? {})).toEqual(Object.keys(secret));
  });

  it("of a service: the audience, not the certificates", () => {
    const kept = trimService({ metadata, spec: { address: "a:1", audience: "x", caCert: "eA==" } });
    expect(kept.spec).toEqual({ address: "a:1", audience: "x", caCert: "" });
  });

  it("an absent status stays absent", () => {
    expect(trimSnapshot({ metadata, spec: { source: {} } })).not.toHaveProperty("status");
  });
});
