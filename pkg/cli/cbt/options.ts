import { choice, integer, type Problem, text } from "../../runtime/options/index.ts";
import { type FallbackPolicy, largestOffset } from "../../snapshotmetadata/client/index.ts";

/** The flags that say how to reach a metadata service, and with whose rights. */
export const connectionSpecs = {
  namespace: text("namespace", "", "Namespace of the snapshots; that of the kubeconfig's context when absent", {
    short: "n",
  }),
  maxResults: integer("max-results", 0, "Most ranges in one message; 0 leaves it to the driver"),
  serviceAccount: text("service-account", "", "ServiceAccount whose token is used; the caller itself when absent"),
  serviceAccountNamespace: text("service-account-namespace", "", "Namespace of --service-account"),
  tokenExpiry: integer("token-expiry", 600, "Life of each token in seconds, at least 600"),
  tokenFile: text("token-file", "", "Use the token in this file (a projected volume) instead of requesting one"),
  kubeconfig: text(
    "kubeconfig",
    "",
    "Path of a kubeconfig; else $KUBECONFIG, ~/.kube/config, or the pod's own account",
  ),
  address: text("address", "", "host:port to dial instead of the one in the SnapshotMetadataService"),
  serverName: text("server-name", "", "Name the server's certificate must carry, when it is not the host dialled"),
  resumeAttempts: integer("resume-attempts", 12, "How often in a row a broken stream is taken up without a new range"),
};

/** The flags with which the original's lister and verifier name a snapshot, and how to ask for its metadata. */
export const snapshotSpecs = {
  snapshot: text("snapshot", "", "Name of the VolumeSnapshot whose metadata is asked for", { short: "s" }),
  previousSnapshot: text("previous-snapshot", "", "Name of an earlier VolumeSnapshot: only what changed since then", {
    short: "p",
  }),
  previousSnapshotId: text(
    "previous-snapshot-id",
    "",
    "CSI handle of an earlier snapshot, whose VolumeSnapshot may be gone; wins over --previous-snapshot",
    { short: "P" },
  ),
  startingOffset: text("starting-offset", "0", "Byte offset at which the list begins"),
  ...connectionSpecs,
};

const tiers = ["none", "allocated", "full"] as const;

/** What to do when the driver can not tell what is asked for. */
export const fallbackSpecs = {
  fallback: choice(
    "fallback",
    "none",
    tiers,
    "When no delta can be had: none is an error, allocated takes all allocated blocks, full the whole volume if need be",
  ),
};

/** The options that {@link connectionSpecs} give. */
export interface ConnectionOptions {
  readonly namespace: string;
  readonly maxResults: number;
  readonly serviceAccount: string;
  readonly serviceAccountNamespace: string;
  readonly tokenExpiry: number;
  readonly tokenFile: string;
  readonly kubeconfig: string;
  readonly address: string;
  readonly serverName: string;
  readonly resumeAttempts: number;
}

/** The options that {@link snapshotSpecs} give. */
export interface SnapshotOptions extends ConnectionOptions {
  readonly snapshot: string;
  readonly previousSnapshot: string;
  readonly previousSnapshotId: string;
  readonly startingOffset: string;
  /** Where the verb has the flag; else none. */
  readonly fallback?: FallbackPolicy;
}

/** What must hold among {@link snapshotSpecs}. */
export function checkSnapshotOptions(o: SnapshotOptions, problem: Problem): void {
  if (o.snapshot === "") problem("snapshot", "is required: the name of a VolumeSnapshot");
  if (!/^\d{1,19}$/.test(o.startingOffset) || BigInt(o.startingOffset) > largestOffset) {
    problem("starting-offset", `must be a byte offset between 0 and ${largestOffset}`);
  }
  checkConnectionOptions(o, problem);
}

/** What must hold among {@link connectionSpecs}. */
export function checkConnectionOptions(o: ConnectionOptions, problem: Problem): void {
  if (o.maxResults < 0 || o.maxResults > 2 ** 31 - 1) problem("max-results", "must be between 0 and 2147483647");
  if (o.tokenExpiry < 0) problem("token-expiry", "must not be negative");
  if (o.resumeAttempts < 1) problem("resume-attempts", "must be at least 1");
  if ((o.serviceAccount === "") !== (o.serviceAccountNamespace === "")) {
    problem("service-account", "goes with --service-account-namespace: give both or neither");
  }
}
