import { createHash, createPrivateKey, type KeyObject, X509Certificate } from "node:crypto";
import { open } from "node:fs/promises";
import { createSecureContext } from "node:tls";
import { messageOf } from "../../runtime/errors/index.ts";

/** Where a certificate and its key are, and the flags that say so. */
export interface KeyPairFiles {
  readonly certFile: string;
  readonly keyFile: string;
  /** "tls-cert" unless told. */
  readonly certFlag?: string;
  /** "tls-key" unless told. */
  readonly keyFlag?: string;
}

/** The contents of the two files, not yet looked at. */
export interface KeyPairBytes {
  readonly cert: Buffer;
  readonly key: Buffer;
  /** Changes when either file does. */
  readonly digest: string;
}

/** A certificate with the key that belongs to it. */
export interface KeyPair extends KeyPairBytes {
  readonly certificate: X509Certificate;
}

/** Far above any certificate chain; a wrong path may lead to something endless. */
const MAX_FILE_BYTES = 1 << 20;

/** Reads and checks a key pair. Rejects with a message that names flag and file, never with their contents. */
export async function loadKeyPair(files: KeyPairFiles): Promise<KeyPair> {
  return checkKeyPair(files, await readKeyPair(files));
}

/** Reads both files. */
export async function readKeyPair({
  certFile,
  keyFile,
  certFlag = "tls-cert",
  keyFlag = "tls-key",
}: KeyPairFiles): Promise<KeyPairBytes> {
  const cert = await read(certFile, certFlag);
  const key = await read(keyFile, keyFlag);
  const digest = createHash("sha256").update(`${cert.length}\n`).update(cert).update(key).digest("hex");
  return { cert, key, digest };
}

/** Refuses a pair with which no connection could be made. */
export function checkKeyPair(
  { certFile, keyFile, certFlag = "tls-cert", keyFlag = "tls-key" }: KeyPairFiles,
  bytes: KeyPairBytes,
): KeyPair {
  const certificate = parse(() => new X509Certificate(bytes.cert), `--${certFlag}=${certFile}: not a PEM certificate`);
  const key: KeyObject = parse(() => createPrivateKey(bytes.key), `--${keyFlag}=${keyFile}: not a PEM private key`);
  if (!certificate.checkPrivateKey(key)) {
    throw new Error(`--${keyFlag}=${keyFile}: the key does not belong to the certificate of --${certFlag}=${certFile}`);
  }
  parse(() => createSecureContext({ cert: bytes.cert, key: bytes.key }), `--${certFlag}=${certFile}: can not be used`);
  return { ...bytes, certificate };
}

async function read(file: string, flag: string): Promise<Buffer> {
  if (file === "") throw new Error(`--${flag}: the path of a file is required`);
  try {
    await using handle = await open(file, "r");
    const buffer = Buffer.alloc(MAX_FILE_BYTES + 1);
    let size = 0;
    for (;;) {
      const { bytesRead } = await handle.read(buffer, size, buffer.length - size);
      size += bytesRead;
      if (size > MAX_FILE_BYTES) throw new Error(`larger than ${MAX_FILE_BYTES} bytes`);
      if (bytesRead === 0) return Buffer.from(buffer.subarray(0, size));
    }
  } catch (thrown) {
    throw new Error(`--${flag}=${file}: can not be read: ${messageOf(thrown)}`, { cause: thrown });
  }
}

function parse<T>(make: () => T, problem: string): T {
  try {
    return make();
  } catch (thrown) {
    // OpenSSL's messages name the reason, not the contents.
    throw new Error(`${problem} (${messageOf(thrown)})`);
  }
}
