import type { Failure, FailureKind } from "../../runtime/errors/index.ts";
import { isConflict } from "../client/index.ts";

type Level = "debug" | "info" | "warn" | "error";
type Requeue = "none" | "after" | "backoff";

/** What becomes of a key after a failed reconcile, and how loudly it is told. */
export interface Handling {
  /** When the key comes again: on change only, after `afterMs`, with backoff. */
  readonly requeue: Requeue;
  readonly afterMs: number;
  readonly level: Level;
  /** A lost race for an object: no condition, no event. */
  readonly quiet: boolean;
}

interface Rule {
  /** When the key comes again: on change only, after the failure's recheck time, with backoff. */
  readonly requeue: Requeue;
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
/** A server may say `Retry-After: 0`; asking again without any pause would keep it busy. */
const leastRecheckMs = 100;

/** What the table says about this failure. */
export function handle(failure: Failure): Handling {
  const { requeue, level } = failureRules[failure.kind];
  const quiet = isConflict(failure) || failure.reason === "Conflict";
  const afterMs = Math.max(leastRecheckMs, failure.recheckMs ?? defaultRecheckMs);
  return { requeue, afterMs, level: quiet ? "debug" : level, quiet };
}

/** A failure that only repeats the one before is no news, unless trying again should have helped. */
export function levelOf({ level, requeue }: Handling, repeated: boolean): Level {
  return repeated && requeue !== "backoff" ? "debug" : level;
}
