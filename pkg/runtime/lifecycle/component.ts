import type { FailpointPlan, FailpointSet } from "../failpoints/index.ts";
import type { Logger, Redaction } from "../log/index.ts";
import type { MetricFamily, Registry } from "../metrics/index.ts";
import type { OptionSet } from "../options/index.ts";
import type { Clock } from "../timing/index.ts";

/** One RBAC rule, as in rbac.authorization.k8s.io/v1. Manifests are generated from these. */
export interface PolicyRule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly verbs: readonly string[];
  readonly resourceNames?: readonly string[];
  /** Where the rule is granted: everywhere (default), or only in the namespace the program runs in. */
  readonly scope?: "cluster" | "namespace";
}

/** What the process gives each component. Nothing else is ambient: no globals, no environment reads. */
export interface Env {
  /** Name of the program, for user agents and event sources. */
  readonly program: string;
  readonly version: string;
  readonly log: Logger;
  readonly metrics: Registry;
  readonly clock: Clock;
  /** Aborts when the process must stop, also while components are still being built. */
  readonly signal: AbortSignal;
  /** Secrets that are registered here are hidden in every log line. */
  readonly redaction: Redaction;
  /** Which failpoints are armed: `const failpoint = myFailpoints.arm(env.failpoints)`. */
  readonly failpoints: FailpointPlan | undefined;
  /**
   * One value per key in this process: the first caller makes it, later callers share it (API client, caches).
   * A failed `make` is forgotten, so that the next caller tries again. A value with `Symbol.asyncDispose` is disposed
   * of by the process, after every component has stopped.
   */
  share<T>(key: string, make: () => Promise<T>): Promise<T>;
}

/** Settles only after everything it started has stopped. Rejects when it can not go on. */
export interface Runnable {
  run(signal: AbortSignal): Promise<void>;
}

/** A part of a program: runs alone, beside others in one process, or inside a test. */
export interface Component<O = unknown> {
  readonly name: string;
  /** One sentence for --help and the generated pages. */
  readonly summary: string;
  readonly options: OptionSet<O>;
  readonly rbac: readonly PolicyRule[];
  /** Does nothing unless flags switch it on: its rights stand in a role of their own, granted only where it is used. */
  readonly optional?: boolean;
  /** The families it registers, for the generated page. */
  readonly metrics?: readonly MetricFamily[];
  /** The points at which tests may break it; `--list-failpoints` prints them. */
  readonly failpoints?: Pick<FailpointSet, "names">;
  /**
   * Prepares to run. Another component may still fail to build, and then nothing runs: what is opened here must be
   * opened through `env.share`, or not before `run`.
   */
  build(options: O, env: Env): Promise<Runnable>;
}

// A list of components has members of different option types; each is only ever built with its own options.
// biome-ignore lint/suspicious/noExplicitAny: the existential type that TypeScript lacks
export type AnyComponent = Component<any>;
