import type { Logger } from "pino";

/** What a reconciler says when nothing went wrong: through, or look again after a while. */
export type Outcome = { readonly type: "done" } | { readonly type: "requeue"; readonly afterMs: number };

/** Nothing more to do until something changes. */
export const done: Outcome = { type: "done" };
/** Look again after `afterMs`; separate from error backoff. */
export const requeueAfter = (afterMs: number): Outcome => ({ type: "requeue", afterMs });

export interface ReconcileContext {
  /** Aborts when the time to finish is over; not yet when the controller is told to stop. */
  readonly signal: AbortSignal;
  readonly log: Logger;
  /** Failures of this key in a row before this call. */
  readonly failures: number;
}

/** Brings one key to what it should be. Throws a Failure; anything else thrown counts as transient. */
export type Reconciler = (key: string, context: ReconcileContext) => Promise<Outcome>;
