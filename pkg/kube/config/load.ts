import type { Credentials } from "./credentials.ts";

export interface LoadOptions {
  /** Path of a kubeconfig file, as `--kubeconfig` gives it. Empty is the same as absent. */
  readonly kubeconfig?: string | undefined;
  /** The kubeconfig itself, as YAML; instead of a file. */
  readonly text?: string | undefined;
  /** Context to use instead of the current one. */
  readonly context?: string | undefined;
  /** Where KUBECONFIG, HOME and KUBERNETES_SERVICE_HOST are looked up. Default: the process's. */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
  /** Folder with `token`, `ca.crt` and `namespace` inside a pod. */
  readonly serviceAccountDir?: string | undefined;
}

/** One API server and who we are there. Files it names are read again as they rotate. */
export interface KubeConfig {
  readonly server: URL;
  /** Where it came from, for logs: a path, "in-cluster" or "text". */
  readonly source: string;
  readonly context: string;
  /** Namespace of the context, or of the pod. */
  readonly namespace: string | undefined;
  readonly proxyUrl: string | undefined;
  /** Headers and TLS material for the next request. */
  credentials(signal?: AbortSignal): Promise<Credentials>;
  /** The server refused them: read everything again next time. */
  forget(): void;
}

/**
 * The explicit file, else $KUBECONFIG (a list is merged), else ~/.kube/config, else the pod's ServiceAccount.
 * Throws a terminal Failure that names the file and the field.
 */
export function loadKubeConfig(_options: LoadOptions = {}): KubeConfig {
  throw new Error("not yet");
}
