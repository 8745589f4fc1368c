import { counter, type MetricFamily, type Registry } from "../../../runtime/metrics/index.ts";
import type { TokenAnswer } from "./token-reviews.ts";

const TOKENS = {
  type: "counter",
  name: "snapshot_metadata_token_answers_total",
  help:
    "Security tokens by where the answer came from: a token review of their own (reviewed), one that another call was " +
    "waiting for already (shared), or the memory of --token-cache-ttl (cached)",
  labels: ["from"],
} as const;

const LIMITED = {
  type: "counter",
  name: "snapshot_metadata_limited_total",
  help:
    "Calls and connections that were turned away, by the flag whose limit they met; first-call: connections that were " +
    "closed because no call came",
  labels: ["limit"],
} as const;

/** The families that count what happens before a call reaches the driver. */
export const admissionMetrics: readonly MetricFamily[] = [TOKENS, LIMITED];

export interface AdmissionMeter {
  token(from: TokenAnswer): void;
  /** Turned away: `limit` is the name of a flag. */
  limited(limit: string): void;
}

export function admissionMeter(registry: Registry): AdmissionMeter {
  const tokens = counter(registry, TOKENS);
  const limits = counter(registry, LIMITED);
  return { token: (from) => tokens.inc({ from }), limited: (limit) => limits.inc({ limit }) };
}
