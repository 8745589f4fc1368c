import { builtIn, type KubeObject } from "../schema/index.ts";

/** core/v1 Secret. Values of `data` are base64; never log any of it. */
export interface Secret extends KubeObject {
  type?: string;
  data?: Record<string, string>;
  /** Write-only convenience: the server turns it into `data`. */
  stringData?: Record<string, string>;
  immutable?: boolean;
}

export const Secret = builtIn<Secret>({ group: "", version: "v1", kind: "Secret", plural: "secrets" });

/** core/v1 ConfigMap. */
export interface ConfigMap extends KubeObject {
  data?: Record<string, string>;
  /** Base64. */
  binaryData?: Record<string, string>;
  immutable?: boolean;
}

export const ConfigMap = builtIn<ConfigMap>({ group: "", version: "v1", kind: "ConfigMap", plural: "configmaps" });
