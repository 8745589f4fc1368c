import { spawn } from "node:child_process";
import { Failure, messageOf } from "../../runtime/errors/index.ts";

/** `users[].user.exec` of a kubeconfig. */
export interface ExecPlugin {
  readonly apiVersion: string;
  readonly command: string;
  readonly args?: readonly string[] | null;
  readonly env?: readonly { readonly name: string; readonly value: string }[] | null;
  readonly installHint?: string;
  readonly provideClusterInfo?: boolean;
}

/** What a plugin printed. Times are milliseconds since the epoch. */
export interface ExecCredential {
  readonly token: string | undefined;
  readonly clientCertificateData: string | undefined;
  readonly clientKeyData: string | undefined;
  readonly expiresAt: number;
}

export interface ExecRequest {
  readonly plugin: ExecPlugin;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Told to plugins that ask for it. */
  readonly cluster: Readonly<Record<string, unknown>>;
  readonly timeoutMs: number;
}

const maxOutputBytes = 1024 * 1024;
/** How long output may still come after the plugin's end. */
const lateOutputMs = 1000;

/** Runs a credential plugin once. It is killed after `timeoutMs`; its output never reaches an error. */
export async function runExecPlugin(request: ExecRequest): Promise<ExecCredential> {
  const { plugin } = request;
  const output = await outputOf(request).catch((thrown: unknown) => {
    const hint = plugin.installHint ? `. ${plugin.installHint.trim()}` : "";
    throw new Failure(
      "transient",
      "ExecPluginFailed",
      `credential plugin ${plugin.command}: ${messageOf(thrown)}${hint}`,
    );
  });
  return credentialOf(plugin, output);
}

function outputOf({ plugin, env, cluster, timeoutMs }: ExecRequest): Promise<string> {
  const info = {
    apiVersion: plugin.apiVersion,
    kind: "ExecCredential",
    spec: { interactive: false, ...(plugin.provideClusterInfo ? { cluster } : {}) },
  };
  const own = Object.fromEntries((plugin.env ?? []).map(({ name, value }) => [name, value]));
  return new Promise((resolve, reject) => {
    const child = spawn(plugin.command, [...(plugin.args ?? [])], {
      env: { ...env, ...own, KUBERNETES_EXEC_INFO: JSON.stringify(info) } as NodeJS.ProcessEnv,
      stdio: ["ignore", "pipe", "inherit"],
      // SIGTERM could be ignored, and then the call would hang.
      timeout: timeoutMs,
      killSignal: "SIGKILL",
    });
    const chunks: Buffer[] = [];
    let size = 0;
    child.stdout?.on("data", (chunk: Buffer) => {
      size += chunk.length;
      if (size > maxOutputBytes) child.kill("SIGKILL");
      else chunks.push(chunk);
    });
    child.on("error", reject);
    // "exit", not "close" alone: a grandchild that keeps stdout open must not keep us.
    child.on("exit", (code, signal) => {
      const settle = (): void => {
        clearTimeout(late);
        child.stdout?.destroy();
        if (size > maxOutputBytes) reject(new Error(`printed more than ${maxOutputBytes} bytes`));
        else if (signal !== null) reject(new Error(`gave no answer within ${timeoutMs} ms and was ended`));
        else if (code !== 0) reject(new Error(`ended with code ${code}`));
        else resolve(Buffer.concat(chunks).toString("utf8"));
      };
      const late = setTimeout(settle, lateOutputMs);
      child.once("close", settle);
    });
  });
}

function credentialOf(plugin: ExecPlugin, output: string): ExecCredential {
  const wrong = (message: string): Failure =>
    new Failure("terminal", "ExecPluginFailed", `credential plugin ${plugin.command}: ${message}`);
  let parsed: { apiVersion?: string; kind?: string; status?: Record<string, unknown> };
  try {
    parsed = JSON.parse(output) as typeof parsed;
  } catch {
    throw wrong("printed something that is not JSON; an ExecCredential is expected");
  }
  if (parsed?.kind !== "ExecCredential" || parsed.apiVersion !== plugin.apiVersion) {
    throw wrong(`printed ${parsed?.apiVersion} ${parsed?.kind}; expected ${plugin.apiVersion} ExecCredential`);
  }
  const text = (field: string): string | undefined => {
    const value = parsed.status?.[field];
    return typeof value === "string" && value !== "" ? value : undefined;
  };
  const credential = {
    token: text("token"),
    clientCertificateData: text("clientCertificateData"),
    clientKeyData: text("clientKeyData"),
    expiresAt: Date.parse(text("expirationTimestamp") ?? "") || Number.POSITIVE_INFINITY,
  };
  if (credential.token === undefined && credential.clientCertificateData === undefined) {
    throw wrong("printed neither status.token nor status.clientCertificateData");
  }
  return credential;
}
