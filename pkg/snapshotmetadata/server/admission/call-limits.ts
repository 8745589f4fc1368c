import type { UserInfo } from "../../../kube/authn/index.ts";
import { keyedRate, rate } from "../../../runtime/limits/index.ts";
import type { Clock } from "../../../runtime/timing/index.ts";
import { Refusal } from "../refusals.ts";

export interface CallLimitRules {
  /** Calls that run at a time; 0: any number. */
  readonly maxStreams: number;
  readonly maxStreamsPerIdentity: number;
  /** Calls a second, and as many at once; 0: any number. */
  readonly callQps: number;
  readonly callQpsPerIdentity: number;
  readonly clock: Clock;
}

export interface CallLimits {
  /** Lets a caller who is known begin a call; it counts as running until it is disposed of. Throws a Refusal. */
  begin(user: UserInfo): Disposable;
  /** Identities that have calls running: nobody else's are remembered. */
  readonly identities: number;
}

/** Nobody knows when a stream ends: a guess that keeps those who wait from asking in circles. */
const streamRetryMs = 1_000;

/**
 * How many calls run and begin, for each identity and in all. An identity is a user name with its uid, so that a
 * ServiceAccount made anew begins anew.
 */
export function callLimits(rules: CallLimitRules): CallLimits {
  const { maxStreams, maxStreamsPerIdentity, callQps, callQpsPerIdentity, clock } = rules;
  const running = new Map<string, number>();
  let inAll = 0;
  const perIdentity = keyedRate({ perSecond: callQpsPerIdentity, burst: callQpsPerIdentity, clock });
  const total = rate({ perSecond: callQps, burst: callQps, clock });
  const refuseStreams = (whose: string, max: number, flag: string): never => {
    throw new Refusal("tooManyStreams", `${whose} ${max} streams running, the limit of --${flag}; try again later`, {
      retryAfterMs: streamRetryMs,
      limit: flag,
    });
  };
  const refuseRate = (who: string, qps: number, flag: string, waitMs: number): never => {
    throw new Refusal("tooManyCalls", `${who} more than ${qps} calls a second, the limit of --${flag}; slow down`, {
      retryAfterMs: waitMs,
      limit: flag,
    });
  };
  const begin = ({ username, uid = "" }: UserInfo): Disposable => {
    const identity = JSON.stringify([username, uid]);
    const mine = running.get(identity) ?? 0;
    if (maxStreamsPerIdentity > 0 && mine >= maxStreamsPerIdentity) {
      refuseStreams(`${username} has`, maxStreamsPerIdentity, "max-streams-per-identity");
    }
    if (maxStreams > 0 && inAll >= maxStreams) refuseStreams("all callers together have", maxStreams, "max-streams");
    const myWait = perIdentity.take(identity);
    if (myWait > 0) refuseRate(`${username} makes`, callQpsPerIdentity, "call-qps-per-identity", myWait);
    const wait = total.take();
    if (wait > 0) {
      // What was refused for others' sake is not held against this one.
      perIdentity.giveBack(identity);
      refuseRate("all callers together make", callQps, "call-qps", wait);
    }
    running.set(identity, mine + 1);
    inAll += 1;
    return {
      [Symbol.dispose]: () => {
        inAll -= 1;
        const left = (running.get(identity) ?? 1) - 1;
        if (left === 0) running.delete(identity);
        else running.set(identity, left);
      },
    };
  };
  return {
    begin,
    get identities() {
      return running.size;
    },
  };
}
