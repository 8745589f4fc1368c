import { readFileSync } from "node:fs";
import { createSecureContext } from "node:tls";
import type { Cluster, KubeConfig as NodeKubeConfig } from "@kubernetes/client-node";
import { Failure, messageOf } from "../../runtime/errors/index.ts";
import { type Credentials, fingerprintOf, type TlsMaterial } from "./credentials.ts";
import { type ExecCredential, type ExecPlugin, runExecPlugin } from "./exec-plugin.ts";
import type { UserExtras } from "./kubeconfig-file.ts";

export interface IdentityOptions {
  /** client-node's view of the chosen cluster and user, without token files and exec plugins. */
  readonly auth: Pick<NodeKubeConfig, "applyToHTTPSOptions">;
  readonly cluster: Cluster;
  readonly extras: UserExtras;
  readonly source: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly now: () => number;
  /** How long what was read from files counts as current. */
  readonly freshMs: number;
  readonly execTimeoutMs: number;
}

/** A plugin's credential is renewed this long before it ends, so that no request starts with a dying one. */
const renewEarlyMs = 30_000;

/** Who we are: reads files again as they rotate, and keeps what last worked while a rotation is half done. */
export class Identity {
  readonly #options: IdentityOptions;
  #current: { readonly value: Credentials; readonly readAt: number } | undefined;
  #stale = false;
  #reading: Promise<Credentials> | undefined;
  #exec: ExecCredential | undefined;

  constructor(options: IdentityOptions) {
    this.#options = options;
  }

  async credentials(): Promise<Credentials> {
    const { now, freshMs } = this.#options;
    if (this.#current && !this.#stale && now() - this.#current.readAt < freshMs) return this.#current.value;
    this.#reading ??= this.#read().finally(() => {
      this.#reading = undefined;
    });
    return this.#reading;
  }

  forget(): void {
    this.#stale = true;
    this.#exec = undefined;
  }

  async #read(): Promise<Credentials> {
    const { now, source } = this.#options;
    const previous = this.#current?.value;
    try {
      const value = await this.#assemble(previous);
      this.#current = { value, readAt: now() };
      this.#stale = false;
      return value;
    } catch (thrown) {
      // A volume being swapped lacks a file for a moment, or holds a certificate beside the wrong key.
      if (previous !== undefined && !(thrown instanceof Failure)) {
        this.#current = { value: previous, readAt: now() };
        return previous;
      }
      if (thrown instanceof Failure) throw thrown;
      throw new Failure("transient", "CredentialsUnreadable", `kubeconfig ${source}: ${messageOf(thrown)}`);
    }
  }

  async #assemble(previous: Credentials | undefined): Promise<Credentials> {
    const { auth, cluster, extras } = this.#options;
    const options: HttpsOptions = { headers: {} };
    await auth.applyToHTTPSOptions(options as never);
    const headers: Record<string, string | readonly string[]> = {};
    for (const [name, value] of Object.entries(options.headers)) headers[name.toLowerCase()] = String(value);
    Object.assign(headers, extras.impersonation);
    const exec = extras.exec ? await this.#execCredential(extras.exec) : undefined;
    const token = exec?.token ?? (extras.tokenFile === undefined ? undefined : tokenIn(extras.tokenFile));
    if (token !== undefined) headers["authorization"] = `Bearer ${token}`;
    else if (options.auth) headers["authorization"] = `Basic ${Buffer.from(options.auth).toString("base64")}`;
    const tls: TlsMaterial = {
      ca: options.ca,
      cert: exec?.clientCertificateData ?? options.cert,
      key: exec?.clientKeyData ?? options.key,
      servername: options.servername,
      rejectUnauthorized: cluster.skipTLSVerify !== true,
    };
    const fingerprint = fingerprintOf(tls);
    if (fingerprint !== previous?.fingerprint) createSecureContext({ ca: tls.ca, cert: tls.cert, key: tls.key });
    return { headers, tls, fingerprint };
  }

  async #execCredential(plugin: ExecPlugin): Promise<ExecCredential> {
    const { cluster, env, execTimeoutMs, now } = this.#options;
    if (this.#exec === undefined || now() > this.#exec.expiresAt - renewEarlyMs) {
      const about = {
        server: cluster.server,
        "certificate-authority-data": cluster.caData,
        "insecure-skip-tls-verify": cluster.skipTLSVerify,
        "tls-server-name": cluster.tlsServerName,
      };
      this.#exec = await runExecPlugin({ plugin, env, cluster: about, timeoutMs: execTimeoutMs });
    }
    return this.#exec;
  }
}

interface HttpsOptions {
  headers: Record<string, unknown>;
  auth?: string;
  ca?: Buffer;
  cert?: Buffer;
  key?: Buffer;
  servername?: string;
}

function tokenIn(file: string): string {
  const token = readFileSync(file, "utf8").trim();
  if (!/^[\x21-\x7e]+$/.test(token)) throw new Error(`token file ${file} is empty or not a token`);
  return token;
}
