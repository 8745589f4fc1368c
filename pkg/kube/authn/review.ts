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

/** Asks the API server who a token belongs to. A server that does not name the audience counts as a refusal. */
export async function reviewToken(
  client: KubeClient,
  { token, audiences }: TokenQuestion,
  options: CallOptions = {},
): Promise<TokenVerdict> {
  const review = { metadata: {}, spec: { token, audiences: [...audiences] } };
  const { status } = await client.create(TokenReview, review, options);
  if (status?.authenticated !== true) {
    return { authenticated: false, why: status?.error ?? "the server does not know the token" };
  }
  const echoed = (status.audiences ?? []).filter((each) => audiences.includes(each));
  if (echoed.length === 0) return { authenticated: false, why: "the server does not confirm the audience" };
  const { username = "", uid, groups = [], extra = {} } = status.user ?? {};
  return { authenticated: true, user: { username, uid, groups, extra }, audiences: echoed };
}

/** Asks the API server whether a user may do this. */
export async function reviewAccess(
  client: KubeClient,
  { user, resourceAttributes }: AccessQuestion,
  options: CallOptions = {},
): Promise<AccessVerdict> {
  const { username, uid, groups, extra } = user;
  const copied = Object.fromEntries(Object.entries(extra).map(([key, values]) => [key, [...values]]));
  const review = {
    metadata: {},
    spec: {
      user: username,
      groups: [...groups],
      extra: copied,
      resourceAttributes: definedOnly(resourceAttributes),
      ...(uid === undefined ? {} : { uid }),
    },
  };
  const { status } = await client.create(SubjectAccessReview, review, options);
  const why = status?.reason || status?.evaluationError || "";
  return { allowed: status?.allowed === true && status.denied !== true, why };
}

function definedOnly({ namespace, verb, group, version, resource, subresource, name }: ResourceAttributes) {
  return {
    verb,
    resource,
    ...(namespace === undefined ? {} : { namespace }),
    ...(group === undefined ? {} : { group }),
    ...(version === undefined ? {} : { version }),
    ...(subresource === undefined ? {} : { subresource }),
    ...(name === undefined ? {} : { name }),
  };
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
  const where = { namespace, name: serviceAccount, subresource: "token" };
  const { status } = await client.create(TokenRequest, { metadata: {}, spec }, { ...options, ...where });
  if (!status?.token) {
    throw new Failure(
      "transient",
      "NoToken",
      `the server made no token for ServiceAccount ${namespace}/${serviceAccount}`,
    );
  }
  return { token: status.token, expiresAt: new Date(status.expirationTimestamp) };
}
