import type { X509Certificate } from "node:crypto";
import { open } from "node:fs/promises";
import { Failure, messageOf } from "../../runtime/errors/index.ts";
import { type Bundle, readBundle } from "./bundle.ts";

/** What the two files hold. Either is empty where its flag is not given or its file can not be used. */
export interface Certificates {
  /** Of the authorities, from `--service-ca-file`. */
  readonly authorities: Bundle;
  /** The server's own and those between it and the authority, from `--tls-cert`. */
  readonly chain: Bundle;
  /** Why a file can not be used. */
  readonly problems: readonly string[];
}

export interface CertificateFiles {
  readonly serviceCaFile: string;
  readonly tlsCert: string;
}

/** An object of the API holds about 1 MiB, and base64 takes a third more; a wrong path may lead to something endless. */
const largestFileBytes = 256 * 1024;

/** Reads both files as they are now. Never rejects: what can not be used is told, and the old state stays published. */
export async function readCertificates({ serviceCaFile, tlsCert }: CertificateFiles): Promise<Certificates> {
  const problems: string[] = [];
  const read = async (flag: string, file: string): Promise<Bundle> => {
    if (file === "") return [];
    try {
      return await readCertificateFile(file);
    } catch (thrown) {
      problems.push(`--${flag}=${file}: ${messageOf(thrown)}`);
      return [];
    }
  };
  const authorities = await read("service-ca-file", serviceCaFile);
  return { authorities, chain: await read("tls-cert", tlsCert), problems };
}

async function readCertificateFile(file: string): Promise<Bundle> {
  const { certificates, problem } = readBundle(await readText(file));
  if (problem !== undefined) throw new Failure("terminal", "FileUnusable", problem);
  if (certificates.length === 0) throw new Failure("terminal", "FileUnusable", "holds no PEM certificate");
  return certificates;
}

async function readText(file: string): Promise<string> {
  await using handle = await open(file, "r");
  const buffer = Buffer.alloc(largestFileBytes + 1);
  let size = 0;
  while (size <= largestFileBytes) {
    const { bytesRead } = await handle.read(buffer, size, buffer.length - size);
    if (bytesRead === 0) return buffer.toString("utf8", 0, size);
    size += bytesRead;
  }
  throw new Failure("terminal", "FileUnusable", `is larger than ${largestFileBytes} bytes`);
}

/** Whether the chain leads to a certificate of the bundle by signatures alone; dates and names are others' checks. */
export function leadsTo(bundle: Bundle, [leaf, ...between]: Bundle): boolean {
  const signs = (issuer: X509Certificate, each: X509Certificate): boolean =>
    each.checkIssued(issuer) && each.verify(issuer.publicKey);
  let current = leaf;
  // Each round takes one certificate out, so that a circle ends.
  const left = [...between];
  while (current !== undefined) {
    const each: X509Certificate = current;
    if (bundle.some((root) => root.fingerprint256 === each.fingerprint256 || signs(root, each))) return true;
    const at = left.findIndex((issuer) => signs(issuer, each));
    current = at < 0 ? undefined : left.splice(at, 1)[0];
  }
  return false;
}
