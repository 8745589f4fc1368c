import type { FailpointPlan } from "../failpoints/index.ts";
import { createRedaction, type Logger, type Redaction, silentLogger } from "../log/index.ts";
import { createRegistry, type Registry } from "../metrics/index.ts";
import { type Clock, systemClock } from "../timing/index.ts";
import type { Env } from "./component.ts";
import { createShared } from "./shared.ts";

/** What an {@link Env} is made of. What is left out gets a default that suits tests: silent, and never stopping. */
export interface EnvParts {
  readonly program?: string;
  readonly version?: string;
  readonly log?: Logger;
  readonly metrics?: Registry;
  readonly clock?: Clock;
  readonly signal?: AbortSignal;
  readonly redaction?: Redaction;
  readonly failpoints?: FailpointPlan;
}

/** An environment with the duty to dispose of what was shared in it: `await using env = createEnv()`. */
export interface OwnedEnv extends Env, AsyncDisposable {}

/** Makes the environment of components, for a process or a test. */
export function createEnv(parts: EnvParts = {}): OwnedEnv {
  const shared = createShared();
  return {
    program: parts.program ?? "test",
    version: parts.version ?? "0.0.0",
    log: parts.log ?? silentLogger(),
    metrics: parts.metrics ?? createRegistry(),
    clock: parts.clock ?? systemClock,
    signal: parts.signal ?? new AbortController().signal,
    redaction: parts.redaction ?? createRedaction(),
    failpoints: parts.failpoints,
    share: shared.share,
    [Symbol.asyncDispose]: shared[Symbol.asyncDispose],
  };
}
