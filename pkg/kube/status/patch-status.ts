import type { Kind, KubeObject } from "../../apis/schema/index.ts";
import type { CallOptions, KubeClient } from "../client/index.ts";

export interface StatusWrite<T extends KubeObject> {
  readonly client: KubeClient;
  readonly kind: Kind<T>;
  /** As it was read; its resourceVersion guards the write. */
  readonly object: T;
  /** The whole status wanted. */
  readonly status: unknown;
}

/**
 * Writes the difference between the object's status and the one wanted, in one merge patch; no write when there is
 * none. A conflict comes out as a `waiting` Failure of reason `Conflict` with a short recheck. Returns what now stands.
 */
export function patchStatus<T extends KubeObject>(_write: StatusWrite<T>, _options: CallOptions = {}): Promise<T> {
  throw new Error("not yet");
}
