import type { Logger } from "pino";
import type { Registry } from "prom-client";
import type { Clock } from "../../runtime/timing/index.ts";
import type { KubeClient } from "../client/index.ts";

export interface ElectionOptions {
  readonly client: KubeClient;
  /** Name of the Lease, and label `name` of leader_election_master_status. */
  readonly name: string;
  readonly namespace: string;
  /** Who we are; the originals use the host name. */
  readonly identity: string;
  readonly labels?: Readonly<Record<string, string>> | undefined;
  /** Default 15 000, 10 000 and 5 000. */
  readonly leaseDurationMs?: number | undefined;
  readonly renewDeadlineMs?: number | undefined;
  readonly retryPeriodMs?: number | undefined;
  readonly log: Logger;
  readonly metrics?: Registry | undefined;
  readonly clock?: Clock | undefined;
}

export interface Election {
  /**
   * Waits to become leader, runs `lead` with a signal that aborts when leadership is lost or `signal` aborts, and
   * releases the lease once `lead` has settled. Rejects with reason `LeadershipLost` when the lease was lost.
   */
  run(signal: AbortSignal, lead: (signal: AbortSignal) => Promise<void>): Promise<void>;
  isLeader(): boolean;
  /** What is wrong, for /healthz/leader-election: we hold the lease but could not renew it in time. */
  problem(): string | undefined;
}

/** Leader election over a Lease, compatible with client-go's. */
export function createElection(_options: ElectionOptions): Election {
  throw new Error("not yet");
}
