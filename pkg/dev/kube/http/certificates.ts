import { createAuthority, type KeyPair } from "../../../runtime/certificates/index.ts";

/** The authority of one server and what it has signed. */
export interface Certificates {
  readonly caPem: string;
  readonly server: KeyPair;
  readonly client: KeyPair;
}

const lifetimeMs = 365 * 24 * 3600 * 1000;

/** Makes an authority, a server certificate for loopback and an administrator's client certificate. */
export async function makeCertificates(admin: {
  readonly name: string;
  readonly group: string;
}): Promise<Certificates> {
  const authority = await createAuthority({ name: "CN=dev-cluster", lifetimeMs });
  const hosts = ["127.0.0.1", "localhost", "kubernetes.default.svc"];
  return {
    caPem: authority.caPem,
    server: await authority.issue({ subject: "CN=dev-cluster-server", hosts }),
    client: await authority.issue({ subject: `CN=${admin.name},O=${admin.group}`, usage: "client" }),
  };
}

/**
 * The administrator's kubeconfig as YAML: by token, and in a second context by client certificate. One user has not
 * both, since the certificate would win over every other token that a client is given.
 */
export function kubeconfigText(url: string, certificates: Certificates, token: string): string {
  const base64 = (text: string): string => Buffer.from(text).toString("base64");
  const context = (name: string, user: string) => [
    `- name: ${name}`,
    "  context:",
    "    cluster: dev-cluster",
    `    user: ${user}`,
    "    namespace: default",
  ];
  return [
    "apiVersion: v1",
    "kind: Config",
    "clusters:",
    "- name: dev-cluster",
    "  cluster:",
    `    server: ${url}`,
    `    certificate-authority-data: ${base64(certificates.caPem)}`,
    "users:",
    "- name: dev-admin",
    "  user:",
    `    token: ${token}`,
    "- name: dev-admin-certificate",
    "  user:",
    `    client-certificate-data: ${base64(certificates.client.certPem)}`,
    `    client-key-data: ${base64(certificates.client.keyPem)}`,
    "contexts:",
    ...context("dev-cluster", "dev-admin"),
    ...context("dev-cluster-certificate", "dev-admin-certificate"),
    "current-context: dev-cluster",
    "",
  ].join("\n");
}
