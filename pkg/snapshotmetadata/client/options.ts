import type { KubeClient } from "../../kube/client/index.ts";
import type { Clock } from "../../runtime/timing/index.ts";
import type { FallbackPolicy, TierStep } from "./ladder.ts";
import type { MetadataTier } from "./record.ts";

/** What the client asks of the API server. */
export type MetadataApi = Pick<KubeClient, "get" | "create">;

/** Gives a token for this audience. Called once per stream that is opened, so that a resume has a fresh one. */
export type TokenSource = (audience: string, signal: AbortSignal) => Promise<string>;

/** How long a broken stream is taken up again. */
export interface ResumePolicy {
  /** Attempts in a row that bring no new range, the first one included; 1 never tries again. Default 12. */
  readonly attempts: number;
  /** First pause, doubled each time, in milliseconds. Default 200. */
  readonly firstPauseMs: number;
  /** Longest pause, in milliseconds. Default 5000. */
  readonly longestPauseMs: number;
}

/** Told before a broken stream is taken up again. */
export interface ResumeNotice {
  /** Bytes; the next stream starts here. */
  readonly offset: bigint;
  /** Attempts so far without a new range. */
  readonly attempt: number;
  readonly pauseMs: number;
  /** What ended the stream before. */
  readonly because: Error;
}

export interface MetadataOptions {
  readonly api: MetadataApi;
  readonly namespace: string;
  readonly snapshotName: string;
  /** CSI handle of the earlier snapshot. Wins over `previousSnapshotName`. With neither: allocated ranges. */
  readonly previousSnapshotId?: string;
  readonly previousSnapshotName?: string;
  /** Found from the snapshot's content when absent. */
  readonly driverName?: string;
  /** Whose token is requested. When absent, the caller itself, who must then be a ServiceAccount. */
  readonly serviceAccount?: { readonly namespace: string; readonly name: string };
  /** Instead of a TokenRequest; see `tokenFromFile`. */
  readonly token?: TokenSource;
  /** Life of a requested token. 0 or absent: 600, the API's minimum. */
  readonly tokenExpirySeconds?: number;
  /** Bytes. */
  readonly startingOffset?: bigint;
  /** Most ranges in one message. 0 or absent: the driver's choice. */
  readonly maxResults?: number;
  /** Dial this host:port instead of the one in the SnapshotMetadataService (outside the cluster). */
  readonly address?: string;
  /** The name the server's certificate must carry, when it is not the host dialled. */
  readonly serverName?: string;
  /**
   * When a delta, or allocated ranges, can not be had at all: the lowest tier to take in their place, as long as no range
   * was given yet. Default none: it is an error. Which tier it became, and why, is in the stream's `tier` and `steps`.
   */
  readonly fallback?: FallbackPolicy;
  /** Told before a lower tier takes the place of one that can not be had. */
  readonly onFallback?: (step: TierStep, next: MetadataTier) => void;
  readonly resume?: Partial<ResumePolicy>;
  readonly onResume?: (notice: ResumeNotice) => void;
  readonly clock?: Clock;
  readonly signal?: AbortSignal;
}
