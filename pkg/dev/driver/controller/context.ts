import type { Clock } from "../../../runtime/timing/index.ts";
import type { Copier } from "../blocks/copier.ts";
import type { KeyLock } from "../rpc/key-lock.ts";
import type { Store } from "../store/store.ts";

/** What the controller's handlers share. */
export interface ControllerContext {
  readonly store: Store;
  readonly copier: Copier;
  readonly locks: KeyLock;
  readonly clock: Clock;
  readonly stateDir: string;
  /** Bytes; every capacity is a multiple of it. */
  readonly blockSize: number;
  readonly maxVolumeBytes: bigint;
  /** Aborts copies when the driver stops. A cancelled call does not: its work goes on, and its repeat finds it done. */
  readonly stopping: AbortSignal;
}

/** What a call brings beside its request. */
export interface CallContext {
  /** Aborts when the caller has gone, its deadline has passed, or the driver stops; the reason is a Refusal. */
  readonly signal: AbortSignal;
}
