import { integer, number, type OptionSpec } from "../../../runtime/options/index.ts";

/** What one caller can take of the server; 0 turns a limit off. Each default says for whom it leaves room. */
export const callLimitOptions = {
  maxConnectionsPerPeer: integer(
    "max-connections-per-peer",
    128,
    "Connections of one peer address at a time; 0: no limit. One is enough for a program; many programs share the " +
      "address of a node or a load balancer",
  ),
  maxUnauthenticatedCallsPerPeer: integer(
    "max-unauthenticated-calls-per-peer",
    256,
    "Calls of one peer address in progress whose tokens have not been found valid yet, and as many health calls; 0: no " +
      "limit. As many as an identity may have streams, so that all of them may begin together",
  ),
  maxTokenReviews: integer(
    "max-token-reviews",
    32,
    "Token reviews that run at a time; 0: no limit. Further ones wait, and addresses take turns; calls with the same " +
      "token need one review",
  ),
  invalidTokenQps: number(
    "invalid-token-qps",
    5,
    "Token reviews a second that one peer address may cause with tokens that are not valid, beyond --invalid-token-" +
      "burst; 0: no limit. Tokens that were valid before are not held up by others of their address, and a connection " +
      "over which a valid one came has an allowance of its own",
  ),
  invalidTokenBurst: integer(
    "invalid-token-burst",
    50,
    "Invalid tokens above --invalid-token-qps for a short while: one node's programs after a change of keys",
  ),
  maxStreams: integer(
    "max-streams",
    320,
    "Calls of all callers that run at a time; 0: no limit. Above --max-streams-per-identity, so that one busy caller " +
      "leaves room for others",
  ),
  maxStreamsPerIdentity: integer(
    "max-streams-per-identity",
    256,
    "Calls of one identity (user name and uid) that run at a time; 0: no limit. A backup program with 200 volumes in " +
      "parallel fits",
  ),
  callQps: number(
    "call-qps",
    5000,
    "Calls a second of all callers, and as many at once; 0: no limit. About what one process can answer at all",
  ),
  callQpsPerIdentity: number(
    "call-qps-per-identity",
    2500,
    "Calls a second of one identity, and as many at once; 0: no limit. Half of --call-qps, and more than 16 parallel " +
      "callers of short calls need",
  ),
} as const;

type Limits = typeof callLimitOptions;
type LimitValues = { readonly [K in keyof Limits]: number };

/** The flags that were given a negative value. */
export function negativeLimits(values: LimitValues): string[] {
  const entries = Object.entries(callLimitOptions) as [keyof Limits, OptionSpec<number>][];
  return entries.filter(([name]) => values[name] < 0).map(([, { flag }]) => flag);
}
