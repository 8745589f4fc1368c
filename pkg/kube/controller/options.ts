import type { Logger } from "pino";
import type { Registry } from "prom-client";
import type { Failure } from "../../runtime/errors/index.ts";
import type { Clock } from "../../runtime/timing/index.ts";
import type { Reconciler } from "./reconciler.ts";
import type { Source } from "./source.ts";

export interface ControllerOptions {
  /** Name of the queue and label `controller` of the metrics. */
  readonly name: string;
  readonly sources: readonly Source[];
  readonly reconcile: Reconciler;
  /** Keys handled at the same time. Default 10. */
  readonly workers?: number | undefined;
  /** Backoff of a failing key. Default 1000 and 300 000. */
  readonly minDelayMs?: number | undefined;
  readonly maxDelayMs?: number | undefined;
  /** Looks at every key this often; 0 for never. Default 0. */
  readonly resyncMs?: number | undefined;
  /** Milliseconds that running reconciles get to finish after the signal. Default 15 000. */
  readonly drainMs?: number | undefined;
  /**
   * Told of each failure, with how often the key failed in a row, this time included, to publish conditions and
   * events. Not of lost races for an object, nor of what ended because the controller stops. When it rejects, the key
   * is tried again.
   */
  readonly onFailure?: ((key: string, failure: Failure, failures: number) => Promise<void> | void) | undefined;
  readonly log: Logger;
  readonly metrics?: Registry | undefined;
  readonly clock?: Clock | undefined;
}
