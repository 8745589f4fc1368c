import type {
  AccessQuestion,
  AccessVerdict,
  TokenQuestion,
  TokenVerdict,
  UserInfo,
} from "../../../kube/authn/index.ts";
import { Refusal } from "../refusals.ts";

/** A token, and the address or the connection that is answerable for it. */
export interface PresentedToken extends TokenQuestion {
  readonly peer: string;
}

/** Asks the API server about tokens and rights. Both throw a Refusal when it can not be asked. */
export interface Reviewer {
  reviewToken(question: PresentedToken, signal: AbortSignal): Promise<TokenVerdict>;
  reviewAccess(question: AccessQuestion, signal: AbortSignal): Promise<AccessVerdict>;
}

/**
 * Who is calling. A token that the API server accepts for another audience is refused, and so is one for which it names
 * no audience at all: such an API server does not know audiences, and would take any token.
 */
export async function authenticate(
  reviewer: Reviewer,
  { token, peer }: { readonly token: string; readonly peer: string },
  audience: string,
  signal: AbortSignal,
): Promise<UserInfo> {
  const verdict = await reviewer.reviewToken({ token, peer, audiences: [audience] }, signal);
  if (!verdict.authenticated) {
    throw new Refusal("unauthenticated", `the security token is not valid for audience "${audience}"`);
  }
  if (!verdict.audiences.includes(audience)) {
    throw new Refusal("unauthenticated", `the security token is not meant for audience "${audience}"`);
  }
  return verdict.user;
}

/**
 * Refuses a caller who may not `get` the VolumeSnapshot. The namespace as a whole is asked about first, as the original
 * does; a role that names single snapshots (resourceNames) is honoured by a second question.
 */
export async function authorize(
  reviewer: Reviewer,
  user: UserInfo,
  target: { readonly namespace: string; readonly snapshotName: string },
  signal: AbortSignal,
): Promise<void> {
  const { namespace, snapshotName } = target;
  const whole = {
    verb: "get",
    group: "snapshot.storage.k8s.io",
    version: "v1",
    resource: "volumesnapshots",
    namespace,
  };
  const inNamespace = await reviewer.reviewAccess({ user, resourceAttributes: whole }, signal);
  if (inNamespace.allowed) return;
  const named = await reviewer.reviewAccess({ user, resourceAttributes: { ...whole, name: snapshotName } }, signal);
  if (named.allowed) return;
  const why = named.why === "" ? "" : `: ${named.why}`;
  throw new Refusal(
    "denied",
    `${user.username} may not get volumesnapshots.snapshot.storage.k8s.io in namespace "${namespace}"${why}`,
  );
}
