// The certificate library finds its parts through the metadata half of Reflect; this must come first.
import "reflect-metadata";
import { randomBytes, webcrypto } from "node:crypto";
import * as x509 from "@peculiar/x509";

/** A private key (PKCS 8) and the certificate for it, both PEM. */
export interface KeyPair {
  readonly certPem: string;
  readonly keyPem: string;
}

/** What a certificate is to say. */
export interface CertificateWish {
  /** Distinguished name, such as `CN=server`. */
  readonly subject: string;
  /** Names and IP addresses the holder serves under. */
  readonly hosts?: readonly string[];
  /** Default: server. */
  readonly usage?: "server" | "client" | "both";
  /** Default: with the authority. */
  readonly notAfter?: Date;
}

/** Signs certificates with a key that never leaves it. */
export interface Authority {
  readonly caPem: string;
  issue(wish: CertificateWish): Promise<KeyPair>;
}

export interface AuthorityOptions {
  /** Distinguished name, such as `CN=dev-cluster`. */
  readonly name: string;
  /** Default: one day. */
  readonly lifetimeMs?: number;
}

const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;
const dayMs = 24 * 3600 * 1000;

const { serverAuth, clientAuth } = x509.ExtendedKeyUsage;
const usages = { server: [serverAuth], client: [clientAuth], both: [serverAuth, clientAuth] };

/** Clocks differ: a certificate made now is good since an hour ago. */
const leewayMs = 3600 * 1000;

/** A new certificate authority with a key of its own (ECDSA, P-256), good for what it signs and nothing else. */
export async function createAuthority({ name, lifetimeMs = dayMs }: AuthorityOptions): Promise<Authority> {
  const keys = await newKeys();
  const notBefore = new Date(Date.now() - leewayMs);
  const end = new Date(Date.now() + lifetimeMs);
  const ca = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: serialNumber(),
    name,
    keys,
    signingAlgorithm: algorithm,
    notBefore,
    notAfter: end,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return {
    caPem: pemOf(ca),
    issue: async ({ subject, hosts = [], usage = "server", notAfter = end }) => {
      const own = await newKeys();
      const certificate = await x509.X509CertificateGenerator.create({
        serialNumber: serialNumber(),
        subject,
        issuer: ca.subject,
        publicKey: own.publicKey,
        signingKey: keys.privateKey,
        signingAlgorithm: algorithm,
        notBefore: new Date(Math.min(notBefore.getTime(), notAfter.getTime() - 1000)),
        notAfter,
        extensions: [
          new x509.BasicConstraintsExtension(false, undefined, true),
          new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
          new x509.ExtendedKeyUsageExtension(usages[usage]),
          // Who knows two authorities of one name, an old and a new one, finds the right one by it.
          await x509.AuthorityKeyIdentifierExtension.create(keys.publicKey),
          ...alternativeNames(hosts),
        ],
      });
      return { certPem: pemOf(certificate), keyPem: await keyPemOf(own) };
    },
  };
}

const newKeys = (): Promise<webcrypto.CryptoKeyPair> =>
  webcrypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);

async function keyPemOf({ privateKey }: webcrypto.CryptoKeyPair): Promise<string> {
  const pkcs8 = await webcrypto.subtle.exportKey("pkcs8", privateKey);
  return `${x509.PemConverter.encode(pkcs8, "PRIVATE KEY")}\n`;
}

const pemOf = (certificate: x509.X509Certificate): string => `${certificate.toString("pem")}\n`;

function alternativeNames(hosts: readonly string[]): x509.Extension[] {
  if (hosts.length === 0) return [];
  const names = hosts.map((value) => ({ type: isAddress(value) ? ("ip" as const) : ("dns" as const), value }));
  return [new x509.SubjectAlternativeNameExtension(names)];
}

const isAddress = (host: string): boolean => /^[\d.]+$/.test(host) || host.includes(":");

/** Random and positive: a leading zero byte keeps the first bit clear. */
const serialNumber = (): string => `00${randomBytes(12).toString("hex")}`;
