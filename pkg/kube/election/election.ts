import type { Logger } from "pino";
import type { Registry } from "prom-client";
import { Failure } from "../../runtime/errors/index.ts";
import { type Clock, systemClock } from "../../runtime/timing/index.ts";
import type { KubeClient } from "../client/index.ts";
import type { EventRecorder } from "../events/index.ts";
import { Elector } from "./elector.ts";

export interface ElectionOptions {
  readonly client: Pick<KubeClient, "find" | "create" | "update">;
  /** Name of the Lease, and label `name` of leader_election_master_status. */
  readonly name: string;
  readonly namespace: string;
  /** Who we are; the originals use the host name. */
  readonly identity: string;
  readonly labels?: Readonly<Record<string, string>> | undefined;
  /** How long a lease lasts that nobody renews. Default 15 000; whole seconds, rounded up. */
  readonly leaseDurationMs?: number | undefined;
  /** How long a leader tries to renew before it gives up. Default 10 000. */
  readonly renewDeadlineMs?: number | undefined;
  /** Time between two tries. Default 5000. */
  readonly retryPeriodMs?: number | undefined;
  /** Told of `LeaderElection` events on the Lease, as client-go does. */
  readonly events?: Pick<EventRecorder, "event"> | undefined;
  readonly log: Logger;
  readonly metrics?: Registry | undefined;
  readonly clock?: Clock | undefined;
}

export interface Election {
  /**
   * Waits to become leader, runs `lead` with a signal that aborts when leadership is lost or `signal` aborts, and
   * releases the lease once `lead` has settled. Rejects with reason `LeadershipLost` when the lease was lost: after
   * `lead` has settled, but no later than somebody else may lead.
   */
  run(signal: AbortSignal, lead: (signal: AbortSignal) => Promise<void>): Promise<void>;
  isLeader(): boolean;
  /** What is wrong, for /healthz/leader-election: we hold the lease but could not renew it in time. */
  problem(): string | undefined;
}

const jitterFactor = 1.2;

/** Leader election over a Lease, compatible with client-go's. Throws a terminal Failure for times that do not fit. */
export function createElection(options: ElectionOptions): Election {
  const { renewDeadlineMs = 10_000, leaseDurationMs = 15_000, retryPeriodMs = 5000, identity } = options;
  const invalid = (problem: string): Failure =>
    new Failure("terminal", "ElectionOptions", `leader election: ${problem}`);
  if (identity === "") throw invalid("the identity is empty, the host name is expected");
  if (!(retryPeriodMs > 0)) throw invalid(`the retry period must be longer than 0, found ${retryPeriodMs} ms`);
  if (leaseDurationMs <= renewDeadlineMs) {
    throw invalid(`the lease (${leaseDurationMs} ms) must outlast the renew deadline (${renewDeadlineMs} ms)`);
  }
  if (renewDeadlineMs <= retryPeriodMs * jitterFactor) {
    const found = `found ${renewDeadlineMs} and ${retryPeriodMs} ms`;
    throw invalid(`the renew deadline must be longer than ${jitterFactor} retry periods, ${found}`);
  }
  const clock = options.clock ?? systemClock;
  return new Elector({ ...options, clock, renewDeadlineMs, leaseDurationMs, retryPeriodMs });
}
