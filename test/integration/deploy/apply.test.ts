import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { Namespace, Pod } from "../../../pkg/apis/core/index.ts";
import { createKubeClient, type KubeClient, loadKubeConfig } from "../../../pkg/kube/client/index.ts";
import { silentLogger } from "../../../pkg/runtime/log/index.ts";
import { type TestCluster, testCluster } from "../../support/cluster.ts";
import { eventually } from "../../support/eventually.ts";
import { ensure } from "../../support/identity.ts";
import { apply, type Manifest, manifest, manifests } from "../../support/manifests.ts";

let cluster: TestCluster;
let admin: KubeClient;
beforeAll(async () => {
  cluster = await testCluster();
  admin = createKubeClient({
    config: await loadKubeConfig({ kubeconfig: cluster.kubeconfig }),
    userAgent: "test",
    log: silentLogger(),
  });
});
afterAll(async () => {
  await admin.close();
  await cluster.close();
});

/** Definitions and namespaces first, as whoever deploys does it; the rest in the order of the files. */
const rank = ({ object: { kind = "" } }: Manifest): number =>
  kind === "CustomResourceDefinition" ? 0 : kind === "Namespace" ? 1 : 2;

/** Applies it; a kind that was just defined takes a moment before it is served. */
async function applied({ file, object }: Manifest): Promise<string> {
  const ours = object.apiVersion?.startsWith("cbt.storage.k8s.io/") ?? false;
  let outcome = await apply(admin, object);
  await eventually(`${file} is served`, async () => {
    if (outcome === "not served" && ours) outcome = await apply(admin, object);
    if (outcome === "not served" && ours) throw new Error("not yet");
  });
  return outcome;
}

const certManager = ["Certificate", "Issuer"];
/** What the embedded server has no use for. */
const workloads = ["Service", "StatefulSet"];

describe("every manifest", () => {
  it("is taken by the API server, down to the last field; kinds that it does not serve are known", async () => {
    // example.yaml is about somebody else's namespaces.
    for (const name of ["my-app", "backup-system"]) await ensure(admin, Namespace, { metadata: { name } });
    const all = (await manifests()).toSorted((one, other) => rank(one) - rank(other));
    expect(all.length).toBeGreaterThan(20);
    const unknown = new Set<string>();
    for (const each of all) if ((await applied(each)) === "not served") unknown.add(each.object.kind ?? "");
    const expected = cluster.kind === "embedded" ? [...certManager, ...workloads] : certManager;
    expect([...unknown].toSorted()).toEqual(expected.toSorted());
  });

  it("applies once more without a complaint", async () => {
    for (const { object } of await manifests("{rbac,csi-snapshot-metadata}/*.yaml")) await apply(admin, object);
  });

  it("makes pods that the API server takes", async () => {
    const set = await manifest("csi-snapshot-metadata/statefulset.yaml", "StatefulSet");
    const { template } = set["spec"] as { template: Pod };
    const { namespace = "" } = set.metadata;
    const name = `example-${Date.now()}`;
    const pod = { apiVersion: "v1", kind: "Pod", ...template, metadata: { ...template.metadata, namespace, name } };
    expect(await apply(admin, pod as unknown as Manifest["object"])).toBe("applied");
    await admin.delete(Pod, { namespace, name }, { gracePeriodSeconds: 0 });
  });
});

// cert-manager is in neither server: its kinds are checked by the shape that its API reference gives them.
const name = z.string().regex(/^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/);
const goDuration = z.string().regex(/^(\d+h)?(\d+m)?(\d+s)?$/);
const metadata = z.strictObject({ name, namespace: name });
const shapes = {
  Issuer: z.strictObject({
    apiVersion: z.literal("cert-manager.io/v1"),
    kind: z.literal("Issuer"),
    metadata,
    spec: z.union([
      z.strictObject({ selfSigned: z.strictObject({}) }),
      z.strictObject({ ca: z.strictObject({ secretName: name }) }),
    ]),
  }),
  Certificate: z.strictObject({
    apiVersion: z.literal("cert-manager.io/v1"),
    kind: z.literal("Certificate"),
    metadata,
    spec: z.strictObject({
      secretName: name,
      isCA: z.boolean().optional(),
      commonName: z.string().max(64).optional(),
      dnsNames: z.array(z.string()).min(1).optional(),
      duration: goDuration,
      renewBefore: goDuration,
      usages: z.array(z.enum(["digital signature", "server auth"])).optional(),
      privateKey: z.strictObject({
        algorithm: z.enum(["ECDSA", "RSA", "Ed25519"]),
        size: z.union([z.literal(256), z.literal(384), z.literal(521)]),
        rotationPolicy: z.enum(["Always", "Never"]),
      }),
      issuerRef: z.strictObject({ group: z.literal("cert-manager.io"), kind: z.literal("Issuer"), name }),
    }),
  }),
};

describe("the kinds of cert-manager", () => {
  const hours = (text: string): number => Number(/^(\d+)h$/.exec(text)?.[1]);

  it("have the shape of cert-manager.io/v1", async () => {
    const found = (await manifests()).filter(({ object }) => object.apiVersion?.startsWith("cert-manager.io/"));
    expect(found.map(({ object }) => object.kind).toSorted()).toEqual([
      "Certificate",
      "Certificate",
      "Issuer",
      "Issuer",
    ]);
    for (const { object } of found) shapes[object.kind as keyof typeof shapes].parse(object);
  });

  it("lead from one to the next: issuer, authority, issuer, certificate", async () => {
    const found = await manifests("csi-snapshot-metadata/certificates/cert-manager.yaml");
    const issuers = found.flatMap(({ object }) => (object.kind === "Issuer" ? [shapes.Issuer.parse(object)] : []));
    const certificates = found.flatMap(({ object }) =>
      object.kind === "Certificate" ? [shapes.Certificate.parse(object)] : [],
    );
    const [root, signing] = issuers;
    const authority = certificates.find(({ spec }) => spec.isCA);
    const server = certificates.find(({ spec }) => !spec.isCA);
    expect(root?.spec).toEqual({ selfSigned: {} });
    expect(authority?.spec.issuerRef.name).toBe(root?.metadata.name);
    expect(signing?.spec).toEqual({ ca: { secretName: authority?.spec.secretName } });
    expect(server?.spec.issuerRef.name).toBe(signing?.metadata.name);
    expect(new Set(found.map(({ object }) => object.metadata.namespace))).toEqual(new Set(["csi-driver"]));
  });

  it("renew the authority while it still outlives every certificate that it signs", async () => {
    const found = await manifests("csi-snapshot-metadata/certificates/cert-manager.yaml");
    const certificates = found.flatMap(({ object }) =>
      object.kind === "Certificate" ? [shapes.Certificate.parse(object).spec] : [],
    );
    const authority = certificates.find(({ isCA }) => isCA);
    const server = certificates.find(({ isCA }) => !isCA);
    expect(hours(authority?.renewBefore ?? "")).toBeGreaterThan(hours(server?.duration ?? ""));
    expect(hours(server?.renewBefore ?? "")).toBeLessThan(hours(server?.duration ?? ""));
  });
});
