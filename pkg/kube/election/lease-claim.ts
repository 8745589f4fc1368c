import { Lease } from "../../apis/core/index.ts";
import type { Clock } from "../../runtime/timing/index.ts";
import { isAlreadyExists, isConflict, type KubeClient } from "../client/index.ts";

export type LeaseRecord = NonNullable<Lease["spec"]>;

export interface LeaseClaimDeps {
  readonly client: Pick<KubeClient, "find" | "create" | "update">;
  readonly name: string;
  readonly namespace: string;
  readonly identity: string;
  readonly labels?: Readonly<Record<string, string>> | undefined;
  readonly leaseDurationMs: number;
  readonly clock: Clock;
}

/** One contender's view of a Lease, by client-go's rules: clocks of others are never compared with ours. */
export class LeaseClaim {
  readonly #deps: LeaseClaimDeps;
  #lease: Lease | undefined;
  /** When we first saw the record as it is now, by our own clock. */
  #observedAt = 0;

  constructor(deps: LeaseClaimDeps) {
    this.#deps = deps;
  }

  /** The lease as it was last seen. */
  get lease(): Lease | undefined {
    return this.#lease;
  }

  get holder(): string {
    return this.#lease?.spec?.holderIdentity ?? "";
  }

  get heldByOther(): boolean {
    return this.holder !== "" && this.holder !== this.#deps.identity;
  }

  /** Takes or renews the lease; false when somebody else holds it or was faster. */
  async attempt(signal: AbortSignal): Promise<boolean> {
    // What we hold and saw last has most likely not changed: one request instead of two.
    if (this.#lease !== undefined && this.#isMine()) {
      if (await this.#write(signal, this.#lease)) return true;
    }
    const { client, name, namespace } = this.#deps;
    const found = await client.find(Lease, { name, namespace }, { signal });
    if (found !== undefined) {
      this.#observe(found);
      if (this.heldByOther && this.#isValid()) return false;
    }
    return await this.#write(signal, found);
  }

  /** Gives the lease back, if it is ours, so that the next leader need not wait for its end. */
  async release(signal: AbortSignal): Promise<void> {
    const { client, name, namespace, clock } = this.#deps;
    const found = await client.find(Lease, { name, namespace }, { signal });
    if (found === undefined || found.spec?.holderIdentity !== this.#deps.identity) return;
    const now = microTime(clock.now());
    // As client-go leaves it: no holder, valid for no time worth waiting for.
    const released = { holderIdentity: "", leaseDurationSeconds: 1, acquireTime: now, renewTime: now };
    this.#observe(await client.update(Lease, { ...found, spec: { ...found.spec, ...released } }, { signal }));
  }

  async #write(signal: AbortSignal, current: Lease | undefined): Promise<boolean> {
    const { client, name, namespace, labels } = this.#deps;
    const spec = this.#record(current?.spec);
    try {
      const written =
        current === undefined
          ? await client.create(Lease, withLabels({ metadata: { name, namespace }, spec }, labels), { signal })
          : await client.update(Lease, withLabels({ ...current, spec }, labels), { signal });
      this.#observe(written);
      return true;
    } catch (thrown) {
      // Another contender was faster, or somebody put a label on it.
      if (isConflict(thrown) || isAlreadyExists(thrown)) return false;
      throw thrown;
    }
  }

  #record(current: LeaseRecord | undefined): LeaseRecord {
    const { identity, leaseDurationMs, clock } = this.#deps;
    const now = microTime(clock.now());
    const transitions = current?.leaseTransitions ?? 0;
    const mine = current?.holderIdentity === identity;
    return {
      ...current,
      holderIdentity: identity,
      // Whole seconds: rounded down, others would take over while we still may renew.
      leaseDurationSeconds: Math.ceil(leaseDurationMs / 1000),
      leaseTransitions: current === undefined || mine ? transitions : transitions + 1,
      acquireTime: mine ? (current.acquireTime ?? now) : now,
      renewTime: now,
    };
  }

  #isMine(): boolean {
    return this.holder === this.#deps.identity;
  }

  /** By our own clock: the holder's may be hours away from it. */
  #isValid(): boolean {
    const validMs = (this.#lease?.spec?.leaseDurationSeconds ?? 0) * 1000;
    return this.#observedAt + validMs > this.#deps.clock.monotonic();
  }

  #observe(lease: Lease): void {
    // Only a new record is a sign of life; labels may be changed by anybody.
    const before = JSON.stringify(this.#lease?.spec);
    if (before !== JSON.stringify(lease.spec)) this.#observedAt = this.#deps.clock.monotonic();
    this.#lease = lease;
  }
}

function withLabels(lease: Lease, labels: Readonly<Record<string, string>> | undefined): Lease {
  if (labels === undefined) return lease;
  return { ...lease, metadata: { ...lease.metadata, labels: { ...lease.metadata.labels, ...labels } } };
}

/** metav1.MicroTime. */
function microTime(ms: number): string {
  return new Date(ms).toISOString().replace("Z", "000Z");
}
