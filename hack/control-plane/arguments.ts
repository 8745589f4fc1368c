import { join } from "node:path";
import { type Credentials, signingKeyFile } from "./credentials.ts";

/** What the command lines of one control plane have in common. */
export interface Layout {
  /** Work folder, mode 0700: sockets, data, logs, credentials. */
  readonly folder: string;
  readonly port: number;
  readonly credentials: Credentials;
  /** File for one JSON document per request; none is written when absent. */
  readonly auditLog?: string | undefined;
  readonly apiServerArgs: readonly string[];
}

/** Where etcd listens: a socket in a private folder, so that nobody else on the machine can reach the data. */
export function etcdSocket(folder: string): string {
  return join(folder, "etcd.sock");
}

/** The certificate that the API server makes for itself; it names 127.0.0.1 and carries its authority. */
export function certificateFile(folder: string): string {
  return join(folder, "certificates", "apiserver.crt");
}

/** Command line of etcd; a test's data may be lost with the machine, so nothing is synced. */
export function etcdArguments({ folder }: Layout): string[] {
  return [
    `--data-dir=${join(folder, "etcd")}`,
    `--listen-client-urls=unix://${etcdSocket(folder)}`,
    "--advertise-client-urls=http://localhost:2379",
    `--listen-peer-urls=unix://${join(folder, "peer.sock")}`,
    "--initial-advertise-peer-urls=http://localhost:2380",
    "--initial-cluster=default=http://localhost:2380",
    "--unsafe-no-fsync",
    "--log-level=warn",
  ];
}

/** Command line of kube-apiserver: RBAC, tokens, and every default that decides how the API behaves. */
export function apiServerArguments({ folder, port, credentials, auditLog, apiServerArgs }: Layout): string[] {
  return [
    `--etcd-servers=unix://${etcdSocket(folder)}`,
    `--secure-port=${port}`,
    "--bind-address=127.0.0.1",
    "--endpoint-reconciler-type=none",
    `--cert-dir=${join(folder, "certificates")}`,
    `--service-account-key-file=${credentials.verifyingKeyFile}`,
    `--service-account-signing-key-file=${signingKeyFile(folder)}`,
    `--service-account-issuer=${issuer}`,
    `--token-auth-file=${credentials.tokenFile}`,
    "--authorization-mode=RBAC",
    "--service-cluster-ip-range=10.0.0.0/24",
    "--allow-privileged",
    "--profiling=false",
    ...(auditLog === undefined
      ? []
      : [`--audit-log-path=${auditLog}`, `--audit-policy-file=${join(folder, "audit-policy.yaml")}`]),
    ...apiServerArgs,
  ];
}

/** Issuer and default audience of ServiceAccount tokens. */
export const issuer = "https://kubernetes.default.svc.cluster.local";

/** Every request once, when it is answered: who, what, and the rule that allowed it. */
export const auditPolicy = JSON.stringify({
  apiVersion: "audit.k8s.io/v1",
  kind: "Policy",
  omitStages: ["RequestReceived", "ResponseStarted"],
  rules: [{ level: "Metadata" }],
});

const controllers = [
  "clusterrole-aggregation-controller",
  "garbage-collector-controller",
  "namespace-controller",
  "persistentvolume-attach-detach-controller",
  "persistentvolume-binder-controller",
  "persistentvolume-protection-controller",
  "persistentvolumeclaim-protection-controller",
  "root-ca-certificate-publisher-controller",
  "serviceaccount-controller",
  "serviceaccount-token-controller",
];

/** Command line of kube-controller-manager; its default of 20 requests a second would hide everything else. */
export function managerArguments(layout: Layout, kubeconfig: string): string[] {
  return [
    `--kubeconfig=${kubeconfig}`,
    `--service-account-private-key-file=${signingKeyFile(layout.folder)}`,
    `--root-ca-file=${certificateFile(layout.folder)}`,
    "--leader-elect=false",
    "--secure-port=0",
    "--kube-api-qps=1000",
    "--kube-api-burst=2000",
    `--controllers=${controllers.join(",")}`,
  ];
}
