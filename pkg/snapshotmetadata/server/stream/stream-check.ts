import type { Logger } from "pino";
import type { MetadataRequest } from "../methods.ts";
import type { MetadataMetrics } from "../metrics.ts";
import { Refusal } from "../refusals.ts";
import { scanStream } from "./scan.ts";

/** What happens to a message that breaks a rule: the stream ends before it, it is logged and passed on, nobody looks. */
export type StreamValidation = "strict" | "warn" | "off";

export interface StreamCheckDeps {
  readonly validation: StreamValidation;
  readonly metrics: Pick<MetadataMetrics, "broken" | "empty">;
  readonly log: Logger;
}

/** Holds one stream of the driver to what the caller was promised. */
export interface StreamCheck {
  /** Looks at the encoded message between two positions. Throws the Refusal `brokenRule` to end the stream before it. */
  message(bytes: Uint8Array, start: number, end: number): void;
  /** Tells the check of a stream of allocated blocks that the driver has ended it as complete. */
  complete(): void;
}

export function streamCheck(
  { validation, metrics, log }: StreamCheckDeps,
  asked: Pick<MetadataRequest, "startingOffset" | "maxResults">,
): StreamCheck {
  const scanner = scanStream(asked);
  const logged = new Set<string>();
  let messages = 0;
  const warn = (rule: string, fields: object, text: string): void => {
    if (logged.has(rule)) return;
    logged.add(rule);
    log.warn({ rule, message: messages, ...fields }, text);
  };
  return {
    message: (bytes, start, end) => {
      messages += 1;
      if (validation === "off") return;
      const violation = scanner.scan(bytes, start, end);
      if (violation !== undefined) {
        const { rule, offset, details } = violation;
        metrics.broken(rule, validation === "strict" ? "ended" : "forwarded");
        if (validation === "strict") throw brokenRule(rule, offset, details);
        warn(rule, { offset: String(offset), details }, "the driver breaks a rule of the stream");
      }
      if (scanner.pastCapacity) {
        metrics.broken("past_capacity", "forwarded");
        warn("past_capacity", {}, "the driver tells of blocks past the volume's capacity");
      }
    },
    complete: () => {
      const empty = validation === "off" ? messages === 0 : scanner.tuples === 0;
      if (!empty || asked.startingOffset > 0n) return;
      metrics.empty();
      log.warn("the driver tells of no allocated block at all: the volume is empty, or the driver can not tell");
    },
  };
}

function brokenRule(rule: string, offset: bigint, details: string): Refusal {
  const text = `the driver breaks the rule ${rule} of the stream at offset ${offset}: ${details}; the stream is not complete`;
  return new Refusal("brokenRule", text);
}
