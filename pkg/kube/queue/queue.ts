import type { Registry } from "prom-client";
import type { Clock } from "../../runtime/timing/index.ts";

export interface QueueOptions {
  /** Label `name` of the workqueue_* metrics. */
  readonly name: string;
  /** First delay of a key that failed, doubled with each failure. Default 1000. */
  readonly minDelayMs?: number | undefined;
  /** Default 300 000. */
  readonly maxDelayMs?: number | undefined;
  readonly metrics?: Registry | undefined;
  readonly clock?: Clock | undefined;
}

/** Keys waiting for a worker: each at most once, none handled by two workers at the same time. */
export interface Queue {
  add(key: string): void;
  addAfter(key: string, delayMs: number): void;
  /** Adds after this key's own backoff. */
  retry(key: string): void;
  /** Ends this key's backoff. */
  forget(key: string): void;
  /** Failures of this key since it was last forgotten. */
  failures(key: string): number;
  /** The next key; undefined once shut down and empty. */
  take(): Promise<string | undefined>;
  /** The worker is through with this key; it comes again if it was added meanwhile. */
  done(key: string): void;
  /** Keys that are ready for a worker now. */
  readonly depth: number;
  /** Takes nothing more; delayed keys are dropped, ready ones are still handed out. */
  shutDown(): void;
}

/** A work queue as in client-go, with its metric names. */
export function createQueue(_options: QueueOptions): Queue {
  throw new Error("not yet");
}
