import { generateKeyPairSync, randomBytes } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";

/** Files and tokens that the programs of one control plane share; all of them die with its folder. */
export interface Credentials {
  readonly adminToken: string;
  readonly managerToken: string;
  /** CSV for --token-auth-file. */
  readonly tokenFile: string;
  readonly verifyingKeyFile: string;
}

const signingKeyName = "service-account.key";

/** RSA key that signs ServiceAccount tokens, PEM. */
export function signingKeyFile(folder: string): string {
  return join(folder, signingKeyName);
}

/** Makes fresh credentials in `folder`, readable by this user alone. */
export async function makeCredentials(folder: string): Promise<Credentials> {
  const adminToken = randomBytes(24).toString("base64url");
  const managerToken = randomBytes(24).toString("base64url");
  const tokenFile = await secretFile(folder, "tokens.csv", [
    `${adminToken},admin,admin,"system:masters"`,
    // In the masters' group as well: its own role leaves the work to one account per controller.
    `${managerToken},system:kube-controller-manager,manager,"system:masters"`,
  ]);
  const pair = generateKeyPairSync("rsa", {
    modulusLength: 2048,
    publicKeyEncoding: { type: "spki", format: "pem" },
    privateKeyEncoding: { type: "pkcs8", format: "pem" },
  });
  await secretFile(folder, signingKeyName, [pair.privateKey]);
  const verifyingKeyFile = await secretFile(folder, "service-account.pub", [pair.publicKey]);
  return { adminToken, managerToken, tokenFile, verifyingKeyFile };
}

/** Writes a kubeconfig (JSON is YAML) with mode 0600 and returns its path. */
export async function writeKubeconfig(
  folder: string,
  name: string,
  access: { readonly url: string; readonly caFile: string; readonly token: string },
): Promise<string> {
  const ca = (await readFile(access.caFile)).toString("base64");
  const config = {
    apiVersion: "v1",
    kind: "Config",
    "current-context": "control-plane",
    clusters: [{ name: "control-plane", cluster: { server: access.url, "certificate-authority-data": ca } }],
    users: [{ name: "admin", user: { token: access.token } }],
    contexts: [{ name: "control-plane", context: { cluster: "control-plane", user: "admin" } }],
  };
  return await secretFile(folder, name, [JSON.stringify(config, undefined, 2)]);
}

async function secretFile(folder: string, name: string, lines: readonly string[]): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, `${lines.join("\n")}\n`, { mode: 0o600 });
  return path;
}
