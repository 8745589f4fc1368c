import type { Kind, KubeObject } from "../../apis/schema/index.ts";
import { Failure } from "../../runtime/errors/index.ts";
import { type CallOptions, isConflict, type KubeClient } from "../client/index.ts";
import { mergeDifference } from "./merge-difference.ts";

export interface StatusWrite<T extends KubeObject> {
  readonly client: Pick<KubeClient, "patch">;
  readonly kind: Kind<T>;
  /** As it was read; its resourceVersion guards the write. */
  readonly object: T;
  /** The whole status wanted. */
  readonly status: unknown;
}

/** The watch brings the newer object before that; this is for when it does not. */
const conflictRecheckMs = 1000;

/**
 * Writes the difference between the object's status and the one wanted, in one merge patch; no write when there is
 * none. A conflict comes out as a `waiting` Failure of reason `Conflict` with a short recheck. Returns what now stands.
 */
export async function patchStatus<T extends KubeObject>(
  { client, kind, object, status }: StatusWrite<T>,
  options: CallOptions = {},
): Promise<T> {
  const difference = mergeDifference((object as { status?: unknown }).status ?? {}, status ?? {});
  if (difference === undefined) return object;
  const { name = "", namespace, uid, resourceVersion } = object.metadata;
  // uid: a namesake that was made anew must not get the old one's status.
  const body = { metadata: { uid, resourceVersion }, status: difference };
  try {
    return await client.patch(
      kind,
      { name, namespace },
      { type: "merge", body },
      { ...options, subresource: "status" },
    );
  } catch (thrown) {
    if (!isConflict(thrown)) throw thrown;
    const message = `${kind.kind} ${name} was changed meanwhile, its status is not written`;
    throw new Failure("waiting", "Conflict", message, { recheckMs: conflictRecheckMs, cause: thrown });
  }
}
