/** The programs of the control plane, and what each is built from. Versions stand in the go.mod of the folder. */
export const programs = {
  etcd: { folder: "etcd", module: "go.etcd.io/etcd/server/v3", package: "go.etcd.io/etcd/server/v3" },
  "kube-apiserver": kubernetes("kube-apiserver"),
  "kube-controller-manager": kubernetes("kube-controller-manager"),
  kubectl: kubernetes("kubectl"),
} as const;

/** Name of one program of the control plane. */
export type Program = keyof typeof programs;

/** What a running control plane needs; kubectl is built only when it is asked for. */
export const serverPrograms: readonly Program[] = ["etcd", "kube-apiserver", "kube-controller-manager"];

function kubernetes(command: string): { folder: string; module: string; package: string } {
  return { folder: "kubernetes", module: "k8s.io/kubernetes", package: `k8s.io/kubernetes/cmd/${command}` };
}

/** The version that a go.mod requires of a module; throws when it requires none. */
export function requiredVersion(goMod: string, module: string): string {
  const line = goMod.split("\n").find((text) =>
    text
      .trim()
      .replace(/^require /, "")
      .startsWith(`${module} `),
  );
  const version = line?.match(/ (v\S+)/)?.[1];
  if (version === undefined) throw new Error(`go.mod does not require ${module}`);
  return version;
}

/** Linker flags: without a version the server says v0.0.0, and clients refuse it. */
export function linkerFlags(folder: string, version: string): string {
  if (folder !== "kubernetes") return "-s -w";
  const [major = "", minor = ""] = version.slice(1).split(".");
  const at = "k8s.io/component-base/version";
  return `-s -w -X ${at}.gitVersion=${version} -X ${at}.gitMajor=${major} -X ${at}.gitMinor=${minor}`;
}
