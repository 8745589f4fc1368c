import type { Clock } from "../timing/index.ts";

export interface RateRules {
  /** How many a second in the long run; 0: no limit. */
  readonly perSecond: number;
  /** How many at once after a pause. */
  readonly burst: number;
  readonly clock: Clock;
}

/** A token bucket that refuses instead of making anybody wait. */
export interface Rate {
  /** Takes one. 0: it was there; else the milliseconds until there will be one, and nothing was taken. */
  take(): number;
  /** Puts back one that was taken for nothing. */
  giveBack(): void;
  /** Whether it has forgotten all that was taken. */
  readonly full: boolean;
}

/** The same for each of many keys. A key that has been idle for long enough is as good as a new one, and forgotten. */
export interface KeyedRate {
  take(key: string): number;
  giveBack(key: string): void;
  /** Keys remembered now. */
  readonly size: number;
}

/** A full bucket. */
export function rate({ perSecond, burst, clock }: RateRules): Rate {
  if (perSecond <= 0) return { take: () => 0, giveBack: () => undefined, full: true };
  const eachMs = 1000 / perSecond;
  const aheadMs = (Math.max(1, burst) - 1) * eachMs;
  // One number says it all: when the bucket will be full again. Sums of many small refills would drift.
  let fullAt = clock.monotonic();
  return {
    take: () => {
      const now = clock.monotonic();
      const from = Math.max(fullAt, now);
      // Less than a microsecond is the rounding of the sums.
      const waitMs = from - now - aheadMs - 1e-3;
      if (waitMs > 0) return Math.ceil(waitMs);
      fullAt = from + eachMs;
      return 0;
    },
    giveBack: () => {
      fullAt -= eachMs;
    },
    get full() {
      return fullAt <= clock.monotonic();
    },
  };
}

/** Far more keys than anybody honest brings; beyond, those not seen for longest start anew. */
const MOST_KEYS = 10_000;

/** Nobody looks for idle keys before there are so many. */
const FIRST_SWEEP = 64;

/** A bucket for each key. */
export function keyedRate(rules: RateRules): KeyedRate {
  const rates = new Map<string, Rate>();
  let sweepAt = FIRST_SWEEP;
  const sweep = (): void => {
    for (const [key, each] of rates) if (each.full) rates.delete(key);
    if (rates.size >= MOST_KEYS) {
      // Some at a time, or each further key would cost a look at all.
      for (const key of [...rates.keys()].slice(0, MOST_KEYS / 10)) rates.delete(key);
    }
    // Twice what is left: the work of looking stays in proportion to the keys that came.
    sweepAt = Math.min(MOST_KEYS, Math.max(FIRST_SWEEP, 2 * rates.size));
  };
  const of = (key: string): Rate => {
    const known = rates.get(key);
    if (known === undefined && rates.size >= sweepAt) sweep();
    const mine = known ?? rate(rules);
    rates.delete(key);
    rates.set(key, mine);
    return mine;
  };
  if (rules.perSecond <= 0) return { take: () => 0, giveBack: () => undefined, size: 0 };
  return {
    take: (key) => of(key).take(),
    giveBack: (key) => rates.get(key)?.giveBack(),
    get size() {
      return rates.size;
    },
  };
}
