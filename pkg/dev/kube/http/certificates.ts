import "reflect-metadata";
import { randomBytes, webcrypto } from "node:crypto";
import * as x509 from "@peculiar/x509";

/** A private key and the certificate for it, both PEM. */
export interface KeyPair {
  readonly certPem: string;
  readonly keyPem: string;
}

/** The authority of one server and what it has signed. */
export interface Certificates {
  readonly caPem: string;
  readonly server: KeyPair;
  readonly client: KeyPair;
}

const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;
const lifetimeMs = 365 * 24 * 3600 * 1000;

/** Makes an authority, a server certificate for loopback and an administrator's client certificate. */
export async function makeCertificates(admin: {
  readonly name: string;
  readonly group: string;
}): Promise<Certificates> {
  const crypto = webcrypto;
  x509.cryptoProvider.set(crypto as unknown as Parameters<typeof x509.cryptoProvider.set>[0]);
  const caKeys = await crypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
  const validity = { notBefore: new Date(Date.now() - 3_600_000), notAfter: new Date(Date.now() + lifetimeMs) };
  const ca = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: serial(),
    name: "CN=dev-cluster",
    keys: caKeys,
    signingAlgorithm: algorithm,
    ...validity,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.digitalSignature, true),
      await x509.SubjectKeyIdentifierExtension.create(caKeys.publicKey),
    ],
  });
  const sign = async (subject: string, usage: string, extra: readonly x509.Extension[]): Promise<KeyPair> => {
    const keys = await crypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
    const cert = await x509.X509CertificateGenerator.create({
      serialNumber: serial(),
      subject,
      issuer: ca.subject,
      publicKey: keys.publicKey,
      signingKey: caKeys.privateKey,
      signingAlgorithm: algorithm,
      ...validity,
      extensions: [new x509.ExtendedKeyUsageExtension([usage]), ...extra],
    });
    const pkcs8 = await crypto.subtle.exportKey("pkcs8", keys.privateKey);
    return { certPem: cert.toString("pem"), keyPem: x509.PemConverter.encode(pkcs8, "PRIVATE KEY") };
  };
  const names = new x509.SubjectAlternativeNameExtension([
    { type: "ip", value: "127.0.0.1" },
    { type: "dns", value: "localhost" },
    { type: "dns", value: "kubernetes.default.svc" },
  ]);
  return {
    caPem: ca.toString("pem"),
    server: await sign("CN=dev-cluster-server", x509.ExtendedKeyUsage.serverAuth, [names]),
    client: await sign(`CN=${admin.name},O=${admin.group}`, x509.ExtendedKeyUsage.clientAuth, []),
  };
}

const serial = (): string => `00${randomBytes(12).toString("hex")}`;

/** The administrator's kubeconfig as YAML (JSON is YAML, and kubectl reads it). */
export function kubeconfigText(url: string, certificates: Certificates, token: string): string {
  const base64 = (text: string): string => Buffer.from(text).toString("base64");
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
    "contexts:",
    "- name: dev-cluster",
    "  context:",
    "    cluster: dev-cluster",
    "    user: dev-admin",
    "    namespace: default",
    "current-context: dev-cluster",
    "",
  ].join("\n");
}
