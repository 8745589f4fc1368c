import { execFile } from "node:child_process";
import { X509Certificate } from "node:crypto";
import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it, type TestContext } from "vitest";
import { parse } from "yaml";
import { SnapshotMetadataService } from "../../../pkg/apis/cbt/index.ts";
import { Namespace, Secret, ServiceAccount } from "../../../pkg/apis/core/index.ts";
import { VolumeSnapshot } from "../../../pkg/apis/snapshot/index.ts";
import { requestToken } from "../../../pkg/kube/authn/index.ts";
import { createKubeClient, isForbidden, type KubeClient, loadKubeConfig } from "../../../pkg/kube/client/index.ts";
import { silentLogger } from "../../../pkg/runtime/log/index.ts";
import { openMetadata } from "../../../pkg/snapshotmetadata/index.ts";
import { ensure, kubeconfigOf } from "../../support/identity.ts";
import { apply, deployPath, type Manifest, manifests } from "../../support/manifests.ts";
import type { RawDriverCall } from "../../support/raw-driver.ts";
import { applyGeneratedRole } from "../sidecar/manifest.ts";
import { openPlace, type Place } from "../sidecar/place.ts";
import { audience, type Ground, openGround } from "../snapshotmetadata/rig.ts";
import { putSnapshot } from "../snapshotmetadata/snapshots.ts";
import { exampleSet, reRooted } from "./example.ts";

const host = "csi-snapshot-metadata.csi-driver.svc";
const backup = { namespace: "backup-system", serviceAccount: "backup" };
const script = deployPath("csi-snapshot-metadata/certificates/self-managed.sh");

let ground: Ground;
let place: Place;
beforeAll(async () => {
  ground = await openGround();
  const { identity } = await applyGeneratedRole(ground.admin);
  for (const { object } of await manifests("rbac/csi-snapshot-metadata-announcement.yaml")) {
    await apply(ground.admin, object);
  }
  const stream = (call: RawDriverCall): void => {
    call.write(message);
    call.end();
  };
  place = await openPlace(ground, { identity, driver: { stream }, announced: false });
});
afterAll(async () => {
  await place[Symbol.asyncDispose]();
  await ground[Symbol.asyncDispose]();
});

/** Block type 1, capacity 1 MiB, one range of 4 KiB at 8 KiB. */
const message = Buffer.from([0x08, 1, 0x10, 0x80, 0x80, 0x40, 0x1a, 6, 0x08, 0x80, 0x40, 0x10, 0x80, 0x20]);

/** What the script prints, as the object it is. */
async function printedSecret(context: TestContext, ...args: string[]): Promise<Manifest["object"]> {
  const execute = promisify(execFile);
  const found = await execute("openssl", ["version"]).catch(() => undefined);
  if (found === undefined) context.skip("needs openssl, which the script calls");
  const { stdout } = await execute("sh", [script, ...args]);
  return parse(stdout) as Manifest["object"];
}

/** The keys of a Secret as files in a folder, as kubelet mounts them. */
async function mounted({ data = {} }: Secret, folder: string): Promise<void> {
  await mkdir(folder);
  for (const [key, value] of Object.entries(data)) await writeFile(join(folder, key), Buffer.from(value, "base64"));
}

/** Someone who may do what the example of the client's roles grants, in this namespace. */
async function backupSoftware(namespace: string): Promise<KubeClient> {
  for (const name of ["my-app", "backup-system"]) await ensure(ground.admin, Namespace, { metadata: { name } });
  for (const { object } of await manifests("csi-snapshot-metadata/client/*.yaml")) {
    const here = object.metadata.namespace === "my-app" ? { ...object.metadata, namespace } : object.metadata;
    expect(await apply(ground.admin, { ...object, metadata: here })).toBe("applied");
  }
  const who = { namespace: backup.namespace, name: backup.serviceAccount };
  const file = join(place.folder, "backup.kubeconfig");
  await writeFile(file, await kubeconfigOf(ground.admin, who, ground.kubeconfigText));
  const config = await loadKubeConfig({ kubeconfig: file });
  return createKubeClient({ config, userAgent: "backup", log: silentLogger() });
}

describe("certificates by the script", () => {
  it("are for one host, by an authority that signs nothing else", async (context) => {
    const { metadata, type, data } = (await printedSecret(context, "a.b.svc", "elsewhere", "7")) as unknown as Secret;
    expect([metadata, type]).toEqual([
      { name: "csi-snapshot-metadata-certs", namespace: "elsewhere" },
      "kubernetes.io/tls",
    ]);
    const text = (key: string): string => Buffer.from(data?.[key] ?? "", "base64").toString("utf8");
    expect(Object.keys(data ?? {}).toSorted()).toEqual(["ca.crt", "tls.crt", "tls.key"]);
    const [authority, server] = [new X509Certificate(text("ca.crt")), new X509Certificate(text("tls.crt"))];
    expect(server.subjectAltName).toBe("DNS:a.b.svc");
    expect([authority.ca, server.ca]).toEqual([true, false]);
    expect(server.verify(authority.publicKey)).toBe(true);
    const daysLeft = (server.validToDate.getTime() - Date.now()) / 86_400_000;
    expect(Math.round(daysLeft)).toBe(7);
  });
});

describe("the program as the example starts it", () => {
  it("serves backup software that has the client's roles and no other", async (context) => {
    const secret = await printedSecret(context);
    await apply(ground.admin, secret);
    await mounted(secret as unknown as Secret, join(place.folder, "certificates"));
    const { server } = await exampleSet();
    const args = reRooted(server.args, {
      "/csi": dirname(place.driver.socket),
      "/tmp/certificates": join(place.folder, "certificates"),
    });
    place.canaries.hide("the server's key", (secret as unknown as Secret).data?.["tls.key"] ?? "");
    await putSnapshot(place);
    // Of the pod only its account is missing here, and that two programs can not have the same ports.
    const ownPorts = ["--port=0", "--http-endpoint=127.0.0.1:0"];
    await using program = place.launch([...args, `--kubeconfig=${place.files.kubeconfig}`, ...ownPorts]);
    const { port } = await program.logged("serving");
    await program.logged("driver ready");
    await program.logged("SnapshotMetadataService created");
    const { spec } = await ground.admin.get(SnapshotMetadataService, { name: place.driverName });
    expect(spec).toMatchObject({ address: `${host}:6443`, audience: "driver.example.com" });

    const api = await backupSoftware(place.namespace);
    const wish = { api, namespace: place.namespace, snapshotName: "snap" };
    await using stream = await openMetadata({ ...wish, address: `127.0.0.1:${port}`, serverName: host });
    const ranges = [];
    for await (const { ranges: some } of stream) ranges.push(...some);
    expect(ranges).toEqual([{ byteOffset: 8192n, sizeBytes: 4096n }]);
    await api.close();
  });
});

describe("the client's roles", () => {
  it("give no other account's token, no other namespace's snapshots, and no secret", async () => {
    const api = await backupSoftware(place.namespace);
    const refused = async (what: Promise<unknown>) => expect(await what.catch(isForbidden)).toBe(true);
    const { namespace } = backup;
    await ensure(ground.admin, ServiceAccount, { metadata: { namespace, name: "neighbour" } });
    await requestToken(api, { ...backup, audiences: [audience] });
    await refused(requestToken(api, { ...backup, serviceAccount: "neighbour", audiences: [audience] }));
    await refused(requestToken(api, { namespace: place.namespace, serviceAccount: "backup", audiences: [audience] }));
    await refused(api.get(VolumeSnapshot, { namespace: "default", name: "any" }));
    await refused(api.get(Secret, { namespace: place.namespace, name: "any" }));
    await refused(api.delete(VolumeSnapshot, { namespace: place.namespace, name: "snap" }));
    await refused(api.delete(SnapshotMetadataService, { name: place.driverName }));
    await api.close();
  });
});
