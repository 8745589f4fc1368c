import { SubjectAccessReview, TokenRequest, TokenReview } from "../../apis/core/index.ts";
import { Failure } from "../../runtime/errors/index.ts";
import type { CallOptions, KubeClient } from "../client/index.ts";

/** Who a token belongs to. */
export interface UserInfo {
  readonly username: string;
  readonly uid?: string | undefined;
  readonly groups: readonly string[];
  readonly extra: Readonly<Record<string, readonly string[]>>;
}

export type TokenVerdict =
  | { readonly authenticated: true; readonly user: UserInfo; readonly audiences: readonly string[] }
  | { readonly authenticated: false; readonly why: string };

export interface TokenQuestion {
  readonly token: string;
  /** The token must be meant for at least one of them; the server must say for which. */
  readonly audiences: readonly string[];
}

export interface ResourceAttributes {
  readonly namespace?: string | undefined;
  readonly verb: string;
  readonly group?: string | undefined;
  readonly version?: string | undefined;
  readonly resource: string;
  readonly subresource?: string | undefined;
  readonly name?: string | undefined;
}

export interface AccessQuestion {
  readonly user: UserInfo;
  readonly resourceAttributes: ResourceAttributes;
}

export interface AccessVerdict {
  readonly allowed: boolean;
  /** The server's reason or evaluation error; may be empty. */
  readonly why: string;
}

/**
 * The group of those who showed no credentials. A server that allows them takes a token of blanks for none at all, and
 * says that it has authenticated `system:anonymous`, for whatever audience was asked for.
 */
const unauthenticated = "system:unauthenticated";

/**
 * Asks the API server who a token belongs to. A server that does not name one of the audiences asked for counts as
 * a refusal: it may know nothing of audiences, and the token may be meant for somebody else.
 */
export async function reviewToken(
  client: KubeClient,
  { token, audiences }: TokenQuestion,
  options: CallOptions = {},
): Promise<TokenVerdict> {
  const review = await client.create(
    TokenReview,
    { metadata: {}, spec: { token, audiences: [...audiences] } },
    { ...options },
  );
  const { status = {} } = review;
  const refused = (why: string): TokenVerdict => ({ authenticated: false, why });
  if (status.authenticated !== true) return refused(status.error || "the token is not valid");
  const shared = (status.audiences ?? []).filter((each) => audiences.includes(each));
  if (audiences.length > 0 && shared.length === 0) {
    return refused(`the token is not meant for ${audiences.join(", ")}`);
  }
  const { username, uid, groups = [], extra = {} } = status.user ?? {};
  if (username === undefined || username === "") return refused("the server named no user");
  if (groups.includes(unauthenticated)) return refused("the token is nobody's");
  return { authenticated: true, user: { username, uid, groups, extra }, audiences: shared };
}

/** Asks the API server whether a user may do this. */
export async function reviewAccess(
  client: KubeClient,
  { user, resourceAttributes }: AccessQuestion,
  options: CallOptions = {},
): Promise<AccessVerdict> {
  const extra = Object.fromEntries(Object.entries(user.extra).map(([key, values]) => [key, [...values]]));
  const review = await client.create(
    SubjectAccessReview,
    {
      metadata: {},
      spec: {
        user: user.username,
        groups: [...user.groups],
        extra,
        ...(user.uid ? { uid: user.uid } : {}),
        resourceAttributes: definedOnly(resourceAttributes),
      },
    },
    { ...options },
  );
  const { allowed = false, denied = false, reason, evaluationError } = review.status ?? {};
  return { allowed: allowed && !denied, why: reason || evaluationError || "" };
}

type Defined<T> = { -readonly [K in keyof T]: Exclude<T[K], undefined> };

function definedOnly<T extends object>(fields: T): Defined<T> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Defined<T>;
}

export interface TokenWish {
  readonly namespace: string;
  readonly serviceAccount: string;
  readonly audiences: readonly string[];
  readonly expirationSeconds?: number | undefined;
}

/** Has a token made for a ServiceAccount (TokenRequest). */
export async function requestToken(
  client: KubeClient,
  { namespace, serviceAccount, audiences, expirationSeconds }: TokenWish,
  options: CallOptions = {},
): Promise<{ token: string; expiresAt: Date }> {
  const spec = { audiences: [...audiences], ...(expirationSeconds === undefined ? {} : { expirationSeconds }) };
  const answer = await client.create(
    TokenRequest,
    { metadata: {}, spec },
    { ...options, namespace, name: serviceAccount },
  );
  const { token, expirationTimestamp = "" } = answer.status ?? {};
  if (!token) {
    const who = `${namespace}/${serviceAccount}`;
    throw new Failure("transient", "TokenMissing", `the API server gave no token for ServiceAccount ${who}`);
  }
  return { token, expiresAt: new Date(expirationTimestamp) };
}
