/** The API group of the snapshot kinds. */
export const snapshotGroup = "snapshot.storage.k8s.io";

/** What clients of the version before v1 are told. It is no longer served, but clusters may still list it as stored. */
export function v1beta1Warning(kind: string): string {
  return `${snapshotGroup}/v1beta1 ${kind} is deprecated; use ${snapshotGroup}/v1 ${kind}`;
}

/** Where the community agreed to the group's use of a k8s.io name. */
export function approval(pull: number): { "api-approved.kubernetes.io": string } {
  return { "api-approved.kubernetes.io": `https://github.com/kubernetes-csi/external-snapshotter/pull/${pull}` };
}
