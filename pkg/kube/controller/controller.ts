import type { Logger } from "pino";
import type { Registry } from "prom-client";
import type { KubeObject } from "../../apis/schema/index.ts";
import type { Failure } from "../../runtime/errors/index.ts";
import type { Runnable } from "../../runtime/lifecycle/index.ts";
import type { Clock } from "../../runtime/timing/index.ts";
import type { Change, Informer } from "../informer/index.ts";

/** What a reconciler says when nothing went wrong: through, or look again after a while. */
export type Outcome = { readonly type: "done" } | { readonly type: "requeue"; readonly afterMs: number };

/** Nothing more to do until something changes. */
export const done: Outcome = { type: "done" };
/** Look again after `afterMs`; separate from error backoff. */
export const requeueAfter = (afterMs: number): Outcome => ({ type: "requeue", afterMs });

export interface ReconcileContext {
  readonly signal: AbortSignal;
  readonly log: Logger;
  /** Failures of this key in a row before this call. */
  readonly failures: number;
}

/** Brings one key to what it should be. Throws a Failure; anything else thrown counts as transient. */
export type Reconciler = (key: string, context: ReconcileContext) => Promise<Outcome>;

/** A cache whose changes lead to keys. */
export interface Source {
  run(signal: AbortSignal): Promise<void>;
  settled(signal?: AbortSignal): Promise<unknown>;
  /** Calls `add` for each key to look at; returns how to stop. */
  subscribe(add: (key: string) => void): () => void;
  /** All keys, for the periodic look at everything. */
  keys(): readonly string[];
}

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
  /** Told of each failure, with how often the key failed in a row, to publish conditions and events. */
  readonly onFailure?: ((key: string, failure: Failure, failures: number) => Promise<void> | void) | undefined;
  readonly log: Logger;
  readonly metrics?: Registry | undefined;
  readonly clock?: Clock | undefined;
}

/** Keys of a cache's changes; by default the changed object's own. */
export function fromInformer<T extends KubeObject>(
  _informer: Informer<T>,
  _keys?: (change: Change<T>) => readonly string[],
): Source {
  throw new Error("not yet");
}

/** The one loop: caches → keys → workers → outcome. Settles when all workers have stopped. */
export function createController(_options: ControllerOptions): Runnable {
  throw new Error("not yet");
}
