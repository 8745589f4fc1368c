import type { Logger } from "pino";
import type { Registry } from "prom-client";
import { Lease } from "../../apis/core/index.ts";
import { apiVersionOf } from "../../apis/schema/index.ts";
import { Failure } from "../../runtime/errors/index.ts";
import { deadlineSignal, linkedSignal } from "../../runtime/timing/index.ts";
import type { EventRecorder } from "../events/index.ts";
import { LeaseClaim, type LeaseClaimDeps } from "./lease-claim.ts";
import { electionMeter } from "./metrics.ts";

export interface ElectorDeps extends LeaseClaimDeps {
  readonly renewDeadlineMs: number;
  readonly retryPeriodMs: number;
  readonly events?: Pick<EventRecorder, "event"> | undefined;
  readonly log: Logger;
  readonly metrics?: Registry | undefined;
}

/** Part of the lease that a leader uses at most: the rest is for its work to end. */
const usablePart = 0.9;
/** How long a lease may be overdue before the health check says so, as the original sidecars have it. */
const overdueMs = 20_000;
/** Longest wait for giving back a lease of which we do not know whether we got it. */
const giveBackMs = 2000;

/** One contender. */
export class Elector {
  readonly #deps: ElectorDeps;
  readonly #claim: LeaseClaim;
  readonly #tellStatus: (leads: boolean) => void;
  readonly #log: Logger;
  #leads = false;
  /** When the request left that last renewed the lease: others see the renewal after that, never before. */
  #renewedAt = 0;
  #holderSeen = "";
  /** A request that might have taken the lease was cut off. */
  #uncertain = false;

  constructor(deps: ElectorDeps) {
    this.#deps = deps;
    this.#claim = new LeaseClaim(deps);
    this.#log = deps.log.child({ op: "election", lease: `${deps.namespace}/${deps.name}` });
    this.#tellStatus = electionMeter(deps.metrics, deps.name);
    this.#tellStatus(false);
  }

  isLeader(): boolean {
    return this.#leads;
  }

  problem(): string | undefined {
    if (!this.#leads) return undefined;
    const ageMs = this.#now() - this.#renewedAt;
    if (ageMs <= this.#deps.leaseDurationMs + overdueMs) return undefined;
    return `failed election to renew leadership on lease ${this.#deps.name}: last renewed ${Math.round(ageMs / 1000)} s ago`;
  }

  async run(signal: AbortSignal, lead: (signal: AbortSignal) => Promise<void>): Promise<void> {
    if (!(await this.#acquire(signal))) {
      if (this.#uncertain) await this.#release(giveBackMs);
      return;
    }
    this.#lead(true);
    using leading = linkedSignal(signal);
    // While the work drains after the signal, nobody else may begin: the lease is renewed until the work has ended.
    using renewing = linkedSignal();
    const work = begin(lead, leading.signal).finally(() => renewing.abort());
    const ended = work.then(
      () => undefined,
      () => undefined,
    );
    const lost = await this.#renew(renewing.signal);
    if (lost === undefined) {
      this.#lead(false);
      await this.#release(this.#deps.renewDeadlineMs);
      return await withoutReason(work, signal);
    }
    this.#lead(false);
    this.#log.error({ reason: lost.reason, holder: this.#claim.holder }, "leadership lost");
    leading.abort(lost);
    await this.#untilOthersMayLead(ended);
    throw lost;
  }

  #lead(leads: boolean): void {
    this.#leads = leads;
    this.#tellStatus(leads);
    this.#log.info(leads ? "became leader" : "stopped leading");
    const { metadata } = this.#claim.lease ?? {};
    if (metadata === undefined) return;
    const lease = { apiVersion: apiVersionOf(Lease), kind: Lease.kind, metadata };
    const what = leads ? "became leader" : "stopped leading";
    this.#deps.events?.event(lease, "Normal", "LeaderElection", `${this.#deps.identity} ${what}`);
  }

  /** Tries until the lease is ours; false when the signal aborts first. */
  async #acquire(signal: AbortSignal): Promise<boolean> {
    while (!signal.aborted) {
      if (await this.#try(signal, this.#deps.renewDeadlineMs)) return true;
      // Jittered, so that contenders that started together do not stay together.
      await this.#pause(this.#deps.retryPeriodMs * (1 + 0.2 * Math.random()), signal);
    }
    return false;
  }

  /** Keeps the lease until the signal aborts (undefined) or it could not be renewed in time (why). */
  async #renew(signal: AbortSignal): Promise<Failure | undefined> {
    while (!signal.aborted) {
      await this.#pause(this.#deps.retryPeriodMs, signal);
      if (!(await this.#renewInTime(signal)) && !signal.aborted) return this.#lost();
    }
    return undefined;
  }

  async #renewInTime(signal: AbortSignal): Promise<boolean> {
    const { renewDeadlineMs, retryPeriodMs, leaseDurationMs } = this.#deps;
    const deadline = Math.min(this.#now() + renewDeadlineMs, this.#renewedAt + leaseDurationMs * usablePart);
    while (!signal.aborted) {
      const startedAt = this.#now();
      const leftMs = deadline - startedAt;
      if (leftMs <= 0) return false;
      // A request that hangs must leave time for another one.
      if (await this.#try(signal, Math.min(leftMs, retryPeriodMs))) return true;
      if (this.#claim.heldByOther) return false;
      await this.#pause(Math.min(startedAt + retryPeriodMs, deadline) - this.#now(), signal);
    }
    return false;
  }

  async #try(signal: AbortSignal, timeoutMs: number): Promise<boolean> {
    const sentAt = this.#now();
    using scope = deadlineSignal(timeoutMs, signal, this.#deps.clock);
    try {
      const mine = await this.#claim.attempt(scope.signal);
      if (mine) this.#renewedAt = sentAt;
      this.#tellHolder();
      return mine;
    } catch (thrown) {
      this.#uncertain = scope.signal.aborted;
      if (!signal.aborted) this.#log.warn({ err: thrown }, "lease not acquired or renewed");
      return false;
    }
  }

  #tellHolder(): void {
    const { holder } = this.#claim;
    if (holder === this.#holderSeen) return;
    this.#holderSeen = holder;
    if (holder !== "" && holder !== this.#deps.identity) this.#log.info({ holder }, "somebody else leads");
  }

  async #release(withinMs: number): Promise<void> {
    using scope = deadlineSignal(withinMs, undefined, this.#deps.clock);
    try {
      await this.#claim.release(scope.signal);
    } catch (thrown) {
      this.#log.warn({ err: thrown }, "lease not released; it runs out by itself");
    }
  }

  /** Waits for the work to end, but not beyond the end of our lease: then the process must go. */
  async #untilOthersMayLead(ended: Promise<void>): Promise<void> {
    const timer = new AbortController();
    const leftMs = this.#claim.heldByOther ? 0 : this.#renewedAt + this.#deps.leaseDurationMs - this.#now();
    const late = this.#deps.clock.sleep(leftMs, timer.signal).then(
      () => true,
      () => false,
    );
    if (await Promise.race([ended.then(() => false), late])) this.#log.error("work did not end with the leadership");
    timer.abort();
  }

  #lost(): Failure {
    const { name, namespace } = this.#deps;
    const { heldByOther, holder } = this.#claim;
    const why = heldByOther ? `${holder} holds it` : "it could not be renewed in time";
    return new Failure("terminal", "LeadershipLost", `leader election: lost lease ${namespace}/${name}, ${why}`);
  }

  async #pause(ms: number, signal: AbortSignal): Promise<void> {
    await this.#deps.clock.sleep(ms, signal).catch(() => undefined);
  }

  #now(): number {
    return this.#deps.clock.monotonic();
  }
}

/** Also a function that throws before its first promise rejects. */
async function begin(lead: (signal: AbortSignal) => Promise<void>, signal: AbortSignal): Promise<void> {
  await lead(signal);
}

/** As the work settled, except that ending for the signal's reason is ending well. */
async function withoutReason(work: Promise<void>, signal: AbortSignal): Promise<void> {
  try {
    await work;
  } catch (thrown) {
    if (!signal.aborted || thrown !== signal.reason) throw thrown;
  }
}
