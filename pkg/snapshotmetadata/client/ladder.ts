import { MetadataFailure, type MetadataReason } from "./failure.ts";
import type { MetadataTier } from "./record.ts";

/** A tier that could not be had, and why. */
export interface TierStep {
  readonly tier: MetadataTier;
  readonly failure: MetadataFailure;
}

/** The lowest tier that may take another's place; `none`: what was asked for, or an error. */
export type FallbackPolicy = "none" | "allocated" | "full";

/** Where a question stands on the ladder. */
export interface Ladder {
  readonly tier: MetadataTier;
  readonly steps: readonly TierStep[];
  /** Steps down, as far as this failure takes and the policy allows. Throws the failure when there is no such step. */
  descend(failure: MetadataFailure): void;
}

const order: readonly MetadataTier[] = ["delta", "allocated", "full"];

/**
 * What says that a tier can not be had, now or later. Everything else stays an error: a caller without the right, a
 * request that is wrong, or a service that is away must not make a backup ten times as large in silence.
 */
const unobtainable: Readonly<Record<MetadataTier, readonly MetadataReason[]>> = {
  delta: ["FailedPrecondition", "NotFound", "Unimplemented", "ServiceNotFound", "BaseUnavailable"],
  // Not NotFound: a snapshot that is not there has no blocks to read either.
  allocated: ["FailedPrecondition", "Unimplemented", "ServiceNotFound"],
  full: [],
};

/** Begins at a tier and goes down as far as `policy` allows; `onStep` hears of each step. */
export function ladder(
  first: MetadataTier,
  policy: FallbackPolicy,
  onStep: (step: TierStep, next: MetadataTier) => void,
): Ladder {
  const steps: TierStep[] = [];
  let tier = first;
  return {
    get tier() {
      return tier;
    },
    steps,
    descend: (failure) => {
      const next = lowerTierOf(tier, failure);
      if (next === undefined) throw failure;
      if (policy === "none" || order.indexOf(next) > order.indexOf(policy)) throw withLowerTier(failure, next);
      const step = { tier, failure };
      steps.push(step);
      tier = next;
      onStep(step, next);
    },
  };
}

/** The tier that could be had in place of one that failed so. Without a metadata service there is only the volume. */
export function lowerTierOf(tier: MetadataTier, { reason }: MetadataFailure): MetadataTier | undefined {
  if (!unobtainable[tier].includes(reason)) return undefined;
  return tier === "delta" && reason !== "ServiceNotFound" ? "allocated" : "full";
}

function withLowerTier({ kind, reason, message, code, recheckMs, cause }: MetadataFailure, lowerTier: MetadataTier) {
  return new MetadataFailure(kind, reason, message, {
    cause,
    lowerTier,
    ...(code === undefined ? {} : { code }),
    ...(recheckMs === undefined ? {} : { recheckMs }),
  });
}
