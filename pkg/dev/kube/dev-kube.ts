import type { Logger } from "pino";
import type { Clock } from "../../runtime/timing/index.ts";
import type { Faults } from "./faults.ts";

/** How to start the embedded API server; every field has a default fit for tests. */
export interface DevKubeOptions {
  /** Port on 127.0.0.1; 0 (the default) takes a free one. */
  readonly port?: number;
  readonly log?: Logger;
  readonly clock?: Clock;
  /** Changes kept per resource for watches and continued lists; older versions answer 410. Default 1000. */
  readonly historyLimit?: number;
  /** Milliseconds between bookmarks on a quiet watch that allows them. Default 60000. */
  readonly bookmarkIntervalMs?: number;
  /** Milliseconds for which the content of a namespace outlives its deletion. Default 1000; the real server waits 5 s. */
  readonly namespaceGraceMs?: number;
  /** Planted wrong behaviours, for tests of the behaviour suite. */
  readonly faults?: Faults;
}

/** Which requests a disturbance is for; an absent field matches everything. */
export interface RequestMatch {
  /** Kubernetes verb: get, list, watch, create, update, patch, delete, deletecollection. */
  readonly verb?: string;
  /** Plural name, without group or subresource. */
  readonly resource?: string;
  readonly namespace?: string;
  readonly name?: string;
}

/** An answer given in place of the right one. */
export interface Disturbance {
  readonly match?: RequestMatch;
  readonly status: number;
  readonly reason?: string;
  readonly message?: string;
  /** Seconds for the Retry-After header. */
  readonly retryAfter?: number;
  /** How many requests it answers; default 1. */
  readonly times?: number;
}

/** What a test can do to a running server from inside. */
export interface DevKubeHooks {
  /** Forgets all history: every older resourceVersion and continue token is expired from now on. */
  compact(): void;
  /** Answers the next matching requests with an error; returns a function that takes the disturbance back. */
  disturb(disturbance: Disturbance): () => void;
  /** Cuts the matching watches without a closing event; returns how many were cut. */
  cutWatches(match?: RequestMatch): number;
}

/** A running embedded API server. */
export interface DevKube {
  /** https://127.0.0.1:port */
  readonly url: string;
  /** Kubeconfig of the administrator, as YAML text: by token, and by certificate in context dev-cluster-certificate. */
  readonly kubeconfig: string;
  /** Certificate of the self-made authority, PEM. */
  readonly caPem: string;
  readonly hooks: DevKubeHooks;
  /** Ends every connection and frees the port. Safe to call twice. */
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}
