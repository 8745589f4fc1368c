import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { crds } from "../../pkg/apis/index.ts";
import { createKubeClient, loadKubeConfig } from "../../pkg/kube/client/index.ts";
import { silentLogger } from "../../pkg/runtime/log/index.ts";
import { embeddedCluster, type TestCluster } from "../support/cluster.ts";
import { applyCrds } from "../support/crds.ts";
import { eventually } from "../support/eventually.ts";
import { findKubectl, Kubectl } from "../support/kubectl.ts";

const found = await findKubectl(process.env);
const missing = "missing" in found ? found.missing : "";

/** A kind that the server brings, and one that a definition of ours brings. */
const subjects = [
  {
    resource: "configmap",
    manifest: {
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata: { name: "subject", namespace: "shop", labels: { app: "shop" } },
      data: { colour: "blue" },
    },
    spoken: "configmap/subject",
    deleted: 'configmap "subject" deleted',
    changed: { data: { colour: "red" } },
    path: "{.data.colour}",
    values: ["blue", "red", "green"],
    row: /^NAME +DATA +AGE\nsubject +1 +\d+s\n$/,
    described: [/^Name: +subject$/m, /^Namespace: +shop$/m, /^Labels: +app=shop$/m, /^colour:\n----\nblue$/m],
  },
  {
    resource: "volumesnapshot",
    manifest: {
      apiVersion: "snapshot.storage.k8s.io/v1",
      kind: "VolumeSnapshot",
      metadata: { name: "subject", namespace: "shop", labels: { app: "shop" } },
      spec: { volumeSnapshotClassName: "blue", source: { persistentVolumeClaimName: "orders" } },
    },
    spoken: "volumesnapshot.snapshot.storage.k8s.io/subject",
    deleted: 'volumesnapshot.snapshot.storage.k8s.io "subject" deleted',
    changed: { spec: { volumeSnapshotClassName: "red" } },
    path: "{.spec.volumeSnapshotClassName}",
    values: ["blue", "red", "green"],
    row: /^NAME +READYTOUSE +SOURCEPVC +SOURCESNAPSHOTCONTENT +RESTORESIZE +SNAPSHOTCLASS +SNAPSHOTCONTENT +CREATIONTIME +AGE\nsubject +orders +blue +\d+s\n$/,
    described: [/^Kind: +VolumeSnapshot$/m, /^ +Persistent Volume Claim Name: +orders$/m],
  },
] as const;

describe("kubectl", () => {
  let cluster: TestCluster;
  let home: string;
  let kubectl: Kubectl;

  beforeAll(async () => {
    if ("missing" in found) return console.log(`not run: ${found.missing}`);
    home = await mkdtemp(join(tmpdir(), "kubectl-test-"));
    cluster = await embeddedCluster({ namespaceGraceMs: 0 });
    kubectl = new Kubectl(found.path, cluster.kubeconfig, home);
    const config = loadKubeConfig({ kubeconfig: cluster.kubeconfig });
    const admin = createKubeClient({ config, userAgent: "test", log: silentLogger() });
    await applyCrds(admin, crds);
    await admin.close();
    await kubectl.ask(["create", "namespace", "shop"]);
  });
  afterAll(async () => {
    await cluster?.close();
    if (home !== undefined) await rm(home, { recursive: true, force: true });
  });
  beforeEach(({ skip }) => skip(missing !== "", missing));

  describe.each(subjects)("on a $resource", ({ resource, manifest, path, values, ...expected }) => {
    const text = JSON.stringify(manifest);
    const [first, second, third] = values;
    const get = (...args: readonly string[]) => kubectl.ask(["get", resource, "subject", "-n", "shop", ...args]);
    const apply = (document: string) => kubectl.ask(["apply", "-f", "-"], document);

    it("apply creates, says unchanged the second time, and configures what differs", async () => {
      expect(await apply(text)).toBe(`${expected.spoken} created\n`);
      expect(await apply(text)).toBe(`${expected.spoken} unchanged\n`);
      expect(await apply(text.replace(`"${first}"`, `"${third}"`))).toBe(`${expected.spoken} configured\n`);
      expect(await get("-o", `jsonpath=${path}`)).toBe(third);
      expect(await apply(text)).toBe(`${expected.spoken} configured\n`);
    });

    it("get prints the server's columns, and finds by label", async () => {
      expect(await get()).toMatch(expected.row);
      const named = (label: string) =>
        kubectl.ask(["get", resource, "-A", "-l", label, "-o", "custom-columns=:metadata.name", "--no-headers"]);
      expect(await named("app=shop")).toBe("subject\n");
      expect(await named("app=other")).toBe("");
    });

    it("describe tells what is in it", async () => {
      const description = await kubectl.ask(["describe", resource, "subject", "-n", "shop"]);
      for (const line of expected.described) expect(description).toMatch(line);
    });

    it("patch changes it, and says when there was nothing to change", async () => {
      const patch = [
        "patch",
        resource,
        "subject",
        "-n",
        "shop",
        "--type=merge",
        "-p",
        JSON.stringify(expected.changed),
      ];
      expect(await kubectl.ask(patch)).toBe(`${expected.spoken} patched\n`);
      expect(await kubectl.ask(patch)).toBe(`${expected.spoken} patched (no change)\n`);
      expect(await get("-o", `jsonpath=${path}`)).toBe(second);
    });

    it("delete --wait ends when the last finalizer is gone, and not before", async () => {
      const hold = (finalizers: readonly string[]) => {
        const patch = ["--type=merge", "-p", JSON.stringify({ metadata: { finalizers } })];
        return kubectl.ask(["patch", resource, "subject", "-n", "shop", ...patch]);
      };
      const remove = ["delete", resource, "subject", "-n", "shop", "--wait"];
      await hold(["example.com/hold"]);
      const tooSoon = await kubectl.run([...remove, "--timeout=1s"]);
      expect(tooSoon).toMatchObject({
        code: 1,
        stderr: expect.stringContaining("timed out waiting for the condition"),
      });
      await hold([]);
      await apply(text);
      await hold(["example.com/hold"]);
      const [answer] = await Promise.all([
        kubectl.ask(remove),
        eventually("it is being deleted", async () => {
          expect(await get("-o", "jsonpath={.metadata.deletionTimestamp}")).not.toBe("");
        }).then(() => hold([])),
      ]);
      expect(answer).toContain(expected.deleted);
      const gone = await kubectl.run(["get", resource, "subject", "-n", "shop"]);
      expect(gone).toMatchObject({ code: 1, stderr: expect.stringMatching(/\(NotFound\).*"subject" not found/) });
    });
  });

  it("auth can-i answers for the administrator, and for a ServiceAccount without rights", async () => {
    const may = (...args: readonly string[]) => kubectl.run(["auth", "can-i", "-n", "shop", ...args]);
    const nobody = "--as=system:serviceaccount:shop:default";
    expect(await may("delete", "volumesnapshots")).toMatchObject({ code: 0, stdout: "yes\n" });
    expect(await may("get", "volumesnapshots", nobody)).toMatchObject({ code: 1, stdout: "no\n" });
    await kubectl.ask(["create", "role", "reader", "-n", "shop", "--verb=get", "--resource=volumesnapshots"]);
    const binding = ["rolebinding", "reader", "-n", "shop", "--role=reader", "--serviceaccount=shop:default"];
    await kubectl.ask(["create", ...binding]);
    expect(await may("get", "volumesnapshots", nobody)).toMatchObject({ code: 0, stdout: "yes\n" });
    expect(await may("delete", "volumesnapshots", nobody)).toMatchObject({ code: 1, stdout: "no\n" });
  });

  it("api-resources lists what the server brings and what was defined", async () => {
    const core = await kubectl.ask(["api-resources", "--no-headers", "--api-group="]);
    expect(core).toMatch(/^configmaps +cm +v1 +true +ConfigMap$/m);
    const ours = await kubectl.ask(["api-resources", "--no-headers", "--api-group=snapshot.storage.k8s.io"]);
    expect(ours.trim().split("\n")).toEqual([
      expect.stringMatching(/^volumesnapshotclasses +vsclass,vsclasses +snapshot\.storage\.k8s\.io\/v1 +false +\w+$/),
      expect.stringMatching(/^volumesnapshotcontents +vsc,vscs +snapshot\.storage\.k8s\.io\/v1 +false +\w+$/),
      expect.stringMatching(/^volumesnapshots +vs +snapshot\.storage\.k8s\.io\/v1 +true +VolumeSnapshot$/),
    ]);
  });
});
