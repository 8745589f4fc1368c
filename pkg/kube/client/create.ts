import type { Logger } from "pino";
import type { Registry } from "prom-client";
import type { Clock } from "../../runtime/timing/index.ts";
import type { KubeConfig } from "../config/index.ts";
import type { KubeClient } from "./client.ts";

export interface KubeClientOptions {
  readonly config: KubeConfig;
  /** Such as `csi-snapshot-metadata/1.1.0`. */
  readonly userAgent: string;
  /** Requests a second, when a person asked for a limit (`--kube-api-qps`). None by default. */
  readonly qps?: number | undefined;
  /** Requests at once above `qps`. Default 10. */
  readonly burst?: number | undefined;
  readonly log: Logger;
  readonly metrics?: Registry | undefined;
  readonly clock?: Clock | undefined;
  /** Silence in milliseconds after which a connection is pinged. Default 30 000. */
  readonly pingIdleMs?: number | undefined;
  /** Milliseconds a ping may take before the connection counts as dead. Default 15 000. */
  readonly pingTimeoutMs?: number | undefined;
  /** Milliseconds for one call unless it says otherwise. Default 60 000. */
  readonly timeoutMs?: number | undefined;
}

/** A client that opens no connection before the first call. */
export function createKubeClient(_options: KubeClientOptions): KubeClient {
  throw new Error("not yet");
}
