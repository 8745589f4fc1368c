import { expect, test } from "vitest";
import { type Served, served, type Told } from "../testing/served.ts";

const base = "/api/v1/namespaces/default";

/** Asks until the answer is as wanted; the test's own limit ends a vain wait. */
async function until({ send }: Served, path: string, wanted: (told: Told) => boolean): Promise<Told> {
  for (;;) {
    const told = await send("GET", path);
    if (wanted(told)) return told;
  }
}

const gone = ({ status }: Told): boolean => status === 404;
const owned = (name: string, uid: string, more: object = {}) => ({
  metadata: { name, ownerReferences: [{ apiVersion: "v1", kind: "ConfigMap", name: "owner", uid, ...more }] },
});

async function owner({ send }: Served): Promise<string> {
  return (await send("POST", `${base}/configmaps`, { metadata: { name: "owner" } })).body.metadata.uid;
}

test("what is owned goes with its owner, in the background", async () => {
  const it = await served();
  await it.send("POST", `${base}/configmaps`, owned("child", await owner(it)));
  await it.send("DELETE", `${base}/configmaps/owner`);
  await until(it, `${base}/configmaps/child`, gone);
});

test("in the foreground the owner waits for what blocks it", async () => {
  const it = await served();
  const child = owned("child", await owner(it), { blockOwnerDeletion: true });
  const held = { metadata: { ...child.metadata, finalizers: ["example.com/hold"] } };
  await it.send("POST", `${base}/configmaps`, held);
  await it.send("DELETE", `${base}/configmaps/owner?propagationPolicy=Foreground`);
  await until(it, `${base}/configmaps/child`, ({ body }) => body.metadata.deletionTimestamp !== undefined);
  expect((await it.send("GET", `${base}/configmaps/owner`)).body.metadata.finalizers).toEqual(["foregroundDeletion"]);
  const merge = { "content-type": "application/merge-patch+json" };
  await it.send("PATCH", `${base}/configmaps/child`, { metadata: { finalizers: null } }, merge);
  await until(it, `${base}/configmaps/owner`, gone);
});

test("orphans stay, without the reference", async () => {
  const it = await served();
  await it.send("POST", `${base}/configmaps`, owned("child", await owner(it)));
  await it.send("DELETE", `${base}/configmaps/owner?propagationPolicy=Orphan`);
  await until(it, `${base}/configmaps/owner`, gone);
  const { body } = await it.send("GET", `${base}/configmaps/child`);
  expect(body.metadata.ownerReferences).toBeUndefined();
});

test("a namespace takes its content along, and has an account from the start", async () => {
  const it = await served();
  await it.send("POST", "/api/v1/namespaces", { metadata: { name: "short" } });
  await until(it, "/api/v1/namespaces/short/serviceaccounts/default", ({ status }) => status === 200);
  await it.send("POST", "/api/v1/namespaces/short/secrets", { metadata: { name: "a" } });
  await it.send("DELETE", "/api/v1/namespaces/short");
  await until(it, "/api/v1/namespaces/short", gone);
  expect((await it.send("GET", "/api/v1/namespaces/short/secrets/a")).status).toBe(404);
});

test("a claim gets the smallest volume that is enough, and holds it until it goes itself", async () => {
  const it = await served();
  const volume = (name: string, storage: string) => ({
    metadata: { name },
    spec: {
      capacity: { storage },
      accessModes: ["ReadWriteOnce"],
      storageClassName: "c",
      csi: { driver: "x.example.com", volumeHandle: name },
    },
  });
  for (const [name, size] of [
    ["big", "9Gi"],
    ["small", "2Gi"],
    ["tiny", "1Mi"],
  ] as const)
    await it.send("POST", "/api/v1/persistentvolumes", volume(name, size));
  await it.send("POST", `${base}/persistentvolumeclaims`, {
    metadata: { name: "claim" },
    spec: { accessModes: ["ReadWriteOnce"], storageClassName: "c", resources: { requests: { storage: "1Gi" } } },
  });
  const bound = await until(it, `${base}/persistentvolumeclaims/claim`, ({ body }) => body.status.phase === "Bound");
  expect(bound.body).toMatchObject({ spec: { volumeName: "small" }, status: { capacity: { storage: "2Gi" } } });
  await it.send("DELETE", "/api/v1/persistentvolumes/small");
  expect((await it.send("GET", "/api/v1/persistentvolumes/small")).body.metadata.deletionTimestamp).toBeDefined();
  await it.send("DELETE", `${base}/persistentvolumeclaims/claim`);
  await until(it, "/api/v1/persistentvolumes/small", gone);
});
