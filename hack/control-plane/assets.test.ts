import { spawnSync } from "node:child_process";
import { chmod, mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { findAssets } from "./assets.ts";
import { linkerFlags, requiredVersion } from "./versions.ts";

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "assets-test-"));
});
afterEach(() => rm(root, { recursive: true, force: true }));

async function program(folder: string, name: string, text: string): Promise<string> {
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, name), text);
  await chmod(join(folder, name), 0o755);
  return join(folder, name);
}

/** A stand-in for go that leaves a note of each build and a file where the program should be. */
async function fakeGo(exitCode = 0): Promise<NodeJS.ProcessEnv> {
  const build = `while [ "$1" != -o ]; do shift; done; sleep 0.2; echo built > "$2"; chmod +x "$2"`;
  await program(
    join(root, "bin"),
    "go",
    `#!/bin/sh\necho x >> ${root}/builds\n${build}\necho trouble >&2\nexit ${exitCode}\n`,
  );
  return { PATH: `${join(root, "bin")}:/usr/bin:/bin`, XDG_CACHE_HOME: join(root, "cache") };
}

const noGo = () => ({ PATH: join(root, "empty"), XDG_CACHE_HOME: join(root, "cache") });

async function builds(): Promise<number> {
  const counted = spawnSync("sh", ["-c", `cat ${root}/builds | wc -l`], { encoding: "utf8" });
  return Number(counted.stdout);
}

describe("the programs of a control plane", () => {
  it("come from KUBEBUILDER_ASSETS where it has them", async () => {
    const etcd = await program(join(root, "assets"), "etcd", "");
    expect(await findAssets(["etcd"], { env: { ...noGo(), KUBEBUILDER_ASSETS: join(root, "assets") } })).toEqual({
      etcd,
    });
  });

  it("are built where it lacks them, once", async () => {
    const env = { ...(await fakeGo()), KUBEBUILDER_ASSETS: join(root, "assets") };
    const etcd = await program(join(root, "assets"), "etcd", "");
    const said: string[] = [];
    const found = await findAssets(["etcd", "kubectl"], { env, say: (line) => said.push(line) });
    expect(found.etcd).toBe(etcd);
    expect(found.kubectl).toMatch(
      /cache\/csi-data-protection\/control-plane\/kubernetes-v[\d.]+-[0-9a-f]{12}\/kubectl$/,
    );
    expect(said).toHaveLength(1);
    expect(await findAssets(["kubectl"], { env })).toEqual({ kubectl: found.kubectl });
    expect(await builds()).toBe(1);
  });

  it("are built once when several ask at the same time", async () => {
    const env = await fakeGo();
    const found = await Promise.all([1, 2, 3].map(() => findAssets(["etcd"], { env })));
    expect(new Set(found.map(({ etcd }) => etcd)).size).toBe(1);
    expect(await builds()).toBe(1);
  });

  it("are built anew when a builder died on the way", async () => {
    const env = await fakeGo();
    const { etcd } = await findAssets(["etcd"], { env });
    await rm(etcd);
    await mkdir(`${etcd}.lock`);
    // No process has this id: it is beyond the largest that Linux gives.
    await writeFile(join(`${etcd}.lock`, "pid"), "99999999");
    expect(await findAssets(["etcd"], { env })).toEqual({ etcd });
  });

  it("are not there when the build failed, and nothing half-built stays", async () => {
    const env = await fakeGo(1);
    await expect(findAssets(["etcd"], { env })).rejects.toThrow(/go build go\.etcd\.io.* failed \(1\):\ntrouble/);
    const [folder = ""] = await readdir(join(root, "cache/csi-data-protection/control-plane"));
    expect(await readdir(join(root, "cache/csi-data-protection/control-plane", folder))).toEqual([]);
  });

  it("say what to install when go is missing", async () => {
    await expect(findAssets(["etcd"], { env: noGo() })).rejects.toThrow(/Install Go 1\.26 .* KUBEBUILDER_ASSETS/);
  });
});

describe("versions", () => {
  it("are read from a go.mod", () => {
    const goMod = "module m\n\nrequire k8s.io/kubernetes v1.2.3 // indirect\n\nrequire (\n\tx.y/z v0.1.0\n)\n";
    expect(requiredVersion(goMod, "k8s.io/kubernetes")).toBe("v1.2.3");
    expect(requiredVersion(goMod, "x.y/z")).toBe("v0.1.0");
    expect(() => requiredVersion(goMod, "x.y/other")).toThrow("x.y/other");
  });

  it("are linked into Kubernetes, which would say v0.0.0 otherwise", () => {
    expect(linkerFlags("kubernetes", "v1.36.3")).toContain("version.gitVersion=v1.36.3");
    expect(linkerFlags("kubernetes", "v1.36.3")).toContain("version.gitMinor=36");
    expect(linkerFlags("etcd", "v3.6.8")).toBe("-s -w");
  });
});
