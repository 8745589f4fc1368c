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

  get observed(): LeaseRecord | undefined {
    return this.#lease?.spec;
  }

  get heldByOther(): boolean {
    const { holderIdentity } = this.#lease?.spec ?? {};
    return holderIdentity !== undefined && holderIdentity !== "" && holderIdentity !== this.#deps.identity;
  }

  /** Takes or renews the lease; false when somebody else holds it. */
  async attempt(signal: AbortSignal): Promise<boolean> {
    const { client, name, namespace, clock } = this.#deps;
    const found = await client.find(Lease, { name, namespace }, { signal });
    if (found === undefined) return this.#write(signal, undefined, 0);
    this.#observe(found);
    const spec = found.spec ?? {};
    const validMs = (spec.leaseDurationSeconds ?? 0) * 1000;
    if (this.heldByOther && this.#observedAt + validMs > clock.monotonic()) return false;
    const transitions = spec.leaseTransitions ?? 0;
    return this.#write(signal, found, this.#holds(spec) ? transitions : transitions + 1);
  }

  /** Gives the lease back, so that the next leader need not wait for its end. */
  async release(signal: AbortSignal): Promise<void> {
    const { client, name, namespace, clock } = this.#deps;
    const found = await client.find(Lease, { name, namespace }, { signal });
    if (found === undefined || !this.#holds(found.spec ?? {})) return;
    const now = microTime(clock.now());
    const spec: LeaseRecord = {
      holderIdentity: "",
      leaseDurationSeconds: 1,
      leaseTransitions: found.spec?.leaseTransitions ?? 0,
      acquireTime: now,
      renewTime: now,
    };
    this.#observe(await client.update(Lease, { ...found, spec: { ...found.spec, ...spec } }, { signal }));
  }

  #holds({ holderIdentity }: LeaseRecord): boolean {
    return holderIdentity === this.#deps.identity;
  }

  async #write(signal: AbortSignal, found: Lease | undefined, transitions: number): Promise<boolean> {
    const { client, name, namespace, identity, labels, leaseDurationMs, clock } = this.#deps;
    const now = microTime(clock.now());
    const acquireTime = found && this.#holds(found.spec ?? {}) ? (found.spec?.acquireTime ?? now) : now;
    const spec: LeaseRecord = {
      holderIdentity: identity,
      leaseDurationSeconds: Math.round(leaseDurationMs / 1000),
      leaseTransitions: transitions,
      acquireTime,
      renewTime: now,
    };
    try {
      const written =
        found === undefined
          ? await client.create(Lease, { metadata: { name, namespace, labels: { ...labels } }, spec }, { signal })
          : await client.update(Lease, withLabels({ ...found, spec: { ...found.spec, ...spec } }, labels), { signal });
      this.#observe(written);
      return true;
    } catch (thrown) {
      // Another contender was faster.
      if (isConflict(thrown) || isAlreadyExists(thrown)) return false;
      throw thrown;
    }
  }

  #observe(lease: Lease): void {
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
