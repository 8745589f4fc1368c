import { readFile } from "node:fs/promises";
import { SelfSubjectReview, TokenRequest } from "../../apis/core/index.ts";
import { ApiError } from "../../kube/client/index.ts";
import { messageOf } from "../../runtime/errors/index.ts";
import { cancelled, MetadataFailure } from "./failure.ts";
import type { MetadataApi, TokenSource } from "./options.ts";

/** The shortest life the API server gives a token; a stream may last as long, so each gets a token of its own. */
const shortestTokenSeconds = 600;

/** Largest token file read: a token has about one KiB. */
const largestTokenBytes = 64 * 1024;

/** A token file that somebody else renews (a projected volume). Read again for each stream. Any audience. */
export function tokenFromFile(path: string): TokenSource {
  return async () => {
    const text = await readFile(path, "utf8").catch((thrown: unknown) => {
      throw new MetadataFailure("terminal", "TokenRefused", `the token file can not be read: ${messageOf(thrown)}`);
    });
    const token = text.trim();
    if (token !== "" && text.length <= largestTokenBytes && !/\s/.test(token)) return token;
    throw new MetadataFailure("terminal", "TokenRefused", `the token file ${path} does not hold one token`);
  };
}

export interface RequestedTokenOptions {
  readonly api: MetadataApi;
  /** Absent: the ServiceAccount that `api` speaks for. */
  readonly serviceAccount?: { readonly namespace: string; readonly name: string };
  readonly expirySeconds?: number;
}

/** Asks the API server for a token of a ServiceAccount, anew for each stream. */
export function requestedToken({ api, serviceAccount, expirySeconds }: RequestedTokenOptions): TokenSource {
  return async (audience, signal) => {
    const { namespace, name } = serviceAccount ?? (await ownServiceAccount(api, signal));
    const spec = { audiences: [audience], expirationSeconds: expirySeconds || shortestTokenSeconds };
    try {
      const answer = await api.create(TokenRequest, { metadata: {}, spec }, { namespace, name, signal });
      if (answer.status?.token) return answer.status.token;
    } catch (thrown) {
      throw refused(`a token of ServiceAccount ${namespace}/${name} can not be had`, thrown, signal);
    }
    throw new MetadataFailure("terminal", "TokenRefused", `the API server gave no token for ${namespace}/${name}`);
  };
}

/** Who the caller is, when that is a ServiceAccount. Throws MetadataFailure otherwise. */
async function ownServiceAccount(api: MetadataApi, signal: AbortSignal): Promise<{ namespace: string; name: string }> {
  const review = await api.create(SelfSubjectReview, { metadata: {} }, { signal }).catch((thrown: unknown) => {
    throw refused("the API server does not say who is asking", thrown, signal);
  });
  const user = review.status?.userInfo?.username ?? "";
  const [, namespace, name] = /^system:serviceaccount:([^:]+):([^:]+)$/.exec(user) ?? [];
  if (namespace && name) return { namespace, name };
  throw new MetadataFailure(
    "terminal",
    "TokenRefused",
    `${user || "the caller"} is not a ServiceAccount, so it has no token of its own: name a ServiceAccount`,
  );
}

function refused(what: string, thrown: unknown, signal: AbortSignal): MetadataFailure {
  if (signal.aborted) return cancelled(signal);
  const message = `${what}: ${messageOf(thrown)}`;
  const denied = thrown instanceof ApiError && thrown.status < 500 && thrown.status !== 429;
  return denied
    ? new MetadataFailure("terminal", "TokenRefused", message, { cause: thrown })
    : new MetadataFailure("transient", "ApiUnavailable", message, { cause: thrown });
}
