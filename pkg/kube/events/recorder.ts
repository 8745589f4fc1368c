import type { Logger } from "pino";
import type { Registry } from "prom-client";
import type { KubeObject } from "../../apis/schema/index.ts";
import type { Clock } from "../../runtime/timing/index.ts";
import type { KubeClient } from "../client/index.ts";

export type EventType = "Normal" | "Warning";

export interface RecorderOptions {
  readonly client: KubeClient;
  /** `source.component`, such as `csi-snapshotter hostpath.csi.k8s.io`. */
  readonly component: string;
  readonly host?: string | undefined;
  readonly log: Logger;
  readonly metrics?: Registry | undefined;
  readonly clock?: Clock | undefined;
}

/** Tells people what happens to their objects. Never blocks and never fails. */
export interface EventRecorder {
  /** `object` must carry apiVersion and kind, as everything the client returns does. */
  event(object: KubeObject, type: EventType, reason: string, message: string): void;
  /** Waits until everything recorded so far is written, at most `timeoutMs`. */
  flush(timeoutMs?: number): Promise<void>;
  /** Flushes, then drops what comes later. */
  close(timeoutMs?: number): Promise<void>;
}

/** Records core v1 Events as client-go does: repeated ones are counted, floods are combined and limited per object. */
export function createRecorder(_options: RecorderOptions): EventRecorder {
  throw new Error("not yet");
}
