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
export function reviewToken(
  _client: KubeClient,
  _question: TokenQuestion,
  _options: CallOptions = {},
): Promise<TokenVerdict> {
  throw new Error("not yet");
}

/** Asks the API server whether a user may do this. */
export function reviewAccess(
  _client: KubeClient,
  _question: AccessQuestion,
  _options: CallOptions = {},
): Promise<AccessVerdict> {
  throw new Error("not yet");
}

export interface TokenWish {
  readonly namespace: string;
  readonly serviceAccount: string;
  readonly audiences: readonly string[];
  readonly expirationSeconds?: number | undefined;
}

/** Has a token made for a ServiceAccount (TokenRequest). */
export function requestToken(
  _client: KubeClient,
  _wish: TokenWish,
  _options: CallOptions = {},
): Promise<{ token: string; expiresAt: Date }> {
  throw new Error("not yet");
}
