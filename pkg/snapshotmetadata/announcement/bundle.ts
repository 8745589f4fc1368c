import { X509Certificate } from "node:crypto";
import { messageOf } from "../../runtime/errors/index.ts";

/** Certificates of authorities, each once, in the order in which they stand. */
export type Bundle = readonly X509Certificate[];

/** A PEM text as far as it could be read. */
export interface ReadBundle {
  readonly certificates: Bundle;
  /** The first block that is no certificate, in words; absent when all are. */
  readonly problem?: string;
}

const block = /-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g;

/** Takes the certificates out of a PEM text. Whatever else stands there, a private key above all, is left behind. */
export function readBundle(pem: string): ReadBundle {
  const found = new Map<string, X509Certificate>();
  let problem: string | undefined;
  for (const [number, [text]] of [...pem.matchAll(block)].entries()) {
    try {
      const certificate = new X509Certificate(text);
      found.set(certificate.fingerprint256, certificate);
    } catch (thrown) {
      problem ??= `certificate ${number + 1} can not be read (${messageOf(thrown)})`;
    }
  }
  return { certificates: [...found.values()], ...(problem === undefined ? {} : { problem }) };
}

/** The bundle as `caCert` holds it: PEM in base64, with nothing in it but the certificates. */
export const encodeBundle = (bundle: Bundle): string => Buffer.from(pemOf(bundle)).toString("base64");

const pemOf = (bundle: Bundle): string => bundle.map((each) => each.toString()).join("");

/** What `caCert` holds; empty when it is nothing that clients could use. */
export const decodeBundle = (caCert: string): Bundle =>
  readBundle(Buffer.from(caCert, "base64").toString("utf8")).certificates;

export function contains(bundle: Bundle, { fingerprint256 }: X509Certificate): boolean {
  return bundle.some((each) => each.fingerprint256 === fingerprint256);
}

export const sameCertificates = (one: Bundle, other: Bundle): boolean =>
  one.length === other.length && one.every((each) => contains(other, each));
