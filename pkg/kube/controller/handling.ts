import type { Failure, FailureKind } from "../../runtime/errors/index.ts";
import { isConflict } from "../client/index.ts";

/** What becomes of a key after one reconcile, and how loudly it is told. */
export type Handling = { readonly level?: Level; readonly quiet?: boolean } & (
  | { readonly requeue: "none" | "backoff" }
  | { readonly requeue: "after"; readonly afterMs: number }
);

type Level = "debug" | "info" | "warn" | "error";

interface Rule {
  /** When the key comes again: on change only, after the failure's recheck time, with backoff. */
  readonly requeue: "none" | "after" | "backoff";
  readonly level: Level;
  /** Type of the event, and from how many failures in a row it is recorded. */
  readonly event: { readonly type: "Normal" | "Warning"; readonly fromFailures: number };
  /** Conditions that the failure sets; what is absent stays as it is. */
  readonly conditions: Readonly<Record<string, "True" | "False">>;
}

/** The one table from failure to requeue, log, event and conditions. */
export const failureRules: Readonly<Record<FailureKind, Rule>> = {
  terminal: {
    requeue: "none",
    level: "error",
    event: { type: "Warning", fromFailures: 1 },
    conditions: { Ready: "False", Stalled: "True", Reconciling: "False" },
  },
  waiting: {
    requeue: "after",
    level: "info",
    event: { type: "Normal", fromFailures: 1 },
    conditions: { Ready: "False", Reconciling: "True", Stalled: "False" },
  },
  transient: {
    requeue: "backoff",
    level: "warn",
    event: { type: "Warning", fromFailures: 3 },
    conditions: { Reconciling: "True", Stalled: "False" },
  },
};

const defaultRecheckMs = 30_000;
const conflictRecheckMs = 200;

/** A lost race for an object is no failure: look again soon, tell nobody. */
export function handle(failure: Failure): Handling {
  if (isConflict(failure) || failure.reason === "Conflict") {
    return { requeue: "after", afterMs: failure.recheckMs ?? conflictRecheckMs, level: "debug", quiet: true };
  }
  const { requeue, level } = failureRules[failure.kind];
  if (requeue === "after") return { requeue, afterMs: failure.recheckMs ?? defaultRecheckMs, level };
  return { requeue, level };
}
