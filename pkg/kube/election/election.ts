import type { Logger } from "pino";
import type { Registry } from "prom-client";
import { Failure, messageOf } from "../../runtime/errors/index.ts";
import { gauge, type MetricFamily } from "../../runtime/metrics/index.ts";
import { type Clock, deadlineSignal, linkedSignal, systemClock } from "../../runtime/timing/index.ts";
import type { KubeClient } from "../client/index.ts";
import { LeaseClaim, type LeaseRecord } from "./lease-claim.ts";

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

const masterStatus: MetricFamily & { labels: readonly ["name"] } = {
  type: "gauge",
  name: "leader_election_master_status",
  help: "Gauge of if the reporting system is master of the relevant lease, 0 indicates backup, 1 indicates master. 'name' is the string used to identify the lease.",
  labels: ["name"],
};

/** client-go's metric of leader election, for the reference page. */
export const electionMetrics: readonly MetricFamily[] = [masterStatus];

/** Leader election over a Lease, compatible with client-go's. */
export function createElection(options: ElectionOptions): Election {
  const { renewDeadlineMs = 10_000, leaseDurationMs = 15_000, retryPeriodMs = 5000 } = options;
  if (leaseDurationMs <= renewDeadlineMs || renewDeadlineMs <= retryPeriodMs * jitterFactor) {
    throw new Failure(
      "terminal",
      "ElectionTimes",
      `leader election: the lease (${leaseDurationMs} ms) must outlast the renew deadline (${renewDeadlineMs} ms), and that ${jitterFactor} retry periods (${retryPeriodMs} ms)`,
    );
  }
  return new Elector({ ...options, renewDeadlineMs, leaseDurationMs, retryPeriodMs });
}

type Times = "renewDeadlineMs" | "leaseDurationMs" | "retryPeriodMs";
const jitterFactor = 1.2;
/** How long a lease may be overdue before the health check says so, as in client-go's adaptor. */
const overdueMs = 20_000;

class Elector implements Election {
  readonly #options: ElectionOptions & { readonly [K in Times]: number };
  readonly #clock: Clock;
  readonly #claim: LeaseClaim;
  readonly #status: ((leads: boolean) => void) | undefined;
  #leads = false;
  #renewedAt = 0;
  #leaderSeen: string | undefined;

  constructor(options: ElectionOptions & { readonly [K in Times]: number }) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#claim = new LeaseClaim({ ...options, clock: this.#clock });
    if (options.metrics) {
      const status = gauge(options.metrics, masterStatus);
      this.#status = (leads) => status.set({ name: options.name }, leads ? 1 : 0);
    }
    this.#status?.(false);
  }

  isLeader(): boolean {
    return this.#leads;
  }

  problem(): string | undefined {
    if (!this.#leads) return undefined;
    const ageMs = this.#clock.monotonic() - this.#renewedAt;
    if (ageMs <= this.#options.leaseDurationMs + overdueMs) return undefined;
    return `failed election to renew leadership on lease ${this.#options.name}`;
  }

  async run(signal: AbortSignal, lead: (signal: AbortSignal) => Promise<void>): Promise<void> {
    const { log, name } = this.#options;
    if (!(await this.#acquire(signal))) return;
    this.#lead(true);
    log.info({ op: "election", name }, "became leader");
    using leading = linkedSignal(signal);
    using renewing = linkedSignal();
    const work = lead(leading.signal).finally(() => renewing.abort());
    work.catch(() => undefined);
    const lost = await this.#renew(renewing.signal);
    this.#lead(false);
    if (lost !== undefined) leading.abort(lost);
    const outcome = await Promise.allSettled([work]);
    // Released only now: until the work has ended somebody else must not begin.
    if (lost === undefined) await this.#release();
    if (lost !== undefined) throw lost;
    if (outcome[0].status === "rejected" && !signal.aborted) throw outcome[0].reason;
  }

  #lead(leads: boolean): void {
    this.#leads = leads;
    this.#status?.(leads);
  }

  /** Tries until the lease is ours; false when the signal aborts first. */
  async #acquire(signal: AbortSignal): Promise<boolean> {
    while (!signal.aborted) {
      if (await this.#try(signal, this.#options.renewDeadlineMs)) return true;
      const pauseMs = this.#options.retryPeriodMs * (1 + (jitterFactor - 1) * Math.random());
      await this.#clock.sleep(pauseMs, signal).catch(() => undefined);
    }
    return false;
  }

  /** Keeps the lease until the signal aborts (undefined) or it could not be renewed in time (why). */
  async #renew(signal: AbortSignal): Promise<Failure | undefined> {
    while (!signal.aborted) {
      await this.#clock.sleep(this.#options.retryPeriodMs, signal).catch(() => undefined);
      if (!signal.aborted && !(await this.#renewOnce(signal)) && !signal.aborted) {
        return new Failure("terminal", "LeadershipLost", `leader election: lease ${this.#options.name} was lost`);
      }
    }
    return undefined;
  }

  async #renewOnce(signal: AbortSignal): Promise<boolean> {
    const { renewDeadlineMs, retryPeriodMs, leaseDurationMs } = this.#options;
    const now = (): number => this.#clock.monotonic();
    // Never beyond our own lease: from its end on somebody else may lead.
    const deadline = Math.min(now() + renewDeadlineMs, this.#renewedAt + leaseDurationMs * 0.9);
    while (!signal.aborted) {
      if (await this.#try(signal, deadline - now())) return true;
      if (this.#claim.heldByOther || now() >= deadline) return false;
      await this.#clock.sleep(Math.min(retryPeriodMs, deadline - now()), signal).catch(() => undefined);
    }
    return false;
  }

  async #try(signal: AbortSignal, timeoutMs: number): Promise<boolean> {
    const { log, name } = this.#options;
    using scope = deadlineSignal(Math.max(1, timeoutMs), signal, this.#clock);
    try {
      const mine = await this.#claim.attempt(scope.signal);
      if (mine) this.#renewedAt = this.#clock.monotonic();
      this.#tellLeader(this.#claim.observed);
      return mine;
    } catch (thrown) {
      if (!signal.aborted) log.warn({ op: "election", name, err: messageOf(thrown) }, "lease not acquired or renewed");
      return false;
    }
  }

  #tellLeader(record: LeaseRecord | undefined): void {
    const holder = record?.holderIdentity;
    if (holder === this.#leaderSeen) return;
    this.#leaderSeen = holder;
    if (holder) this.#options.log.info({ op: "election", name: this.#options.name, holder }, "leader seen");
  }

  async #release(): Promise<void> {
    const { log, name, renewDeadlineMs } = this.#options;
    using scope = deadlineSignal(renewDeadlineMs, undefined, this.#clock);
    try {
      await this.#claim.release(scope.signal);
    } catch (thrown) {
      log.warn({ op: "election", name, err: messageOf(thrown) }, "lease not released; it runs out by itself");
    }
  }
}
