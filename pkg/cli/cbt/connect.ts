import { createKubeClient, loadKubeConfig } from "../../kube/client/index.ts";
import { Failure } from "../../runtime/errors/index.ts";
import { silentLogger } from "../../runtime/log/index.ts";
import {
  MetadataFailure,
  type MetadataOptions,
  type MetadataStream,
  openMetadata,
  type ResumeNotice,
  tokenFromFile,
} from "../../snapshotmetadata/client/index.ts";
import type { Io } from "../command.ts";
import type { ProgressLine } from "../screen/progress.ts";
import type { ConnectionOptions, SnapshotOptions } from "./options.ts";

/** A question about one snapshot, without what the flags of every question say. */
export type Question = Pick<
  MetadataOptions,
  | "snapshotName"
  | "previousSnapshotId"
  | "previousSnapshotName"
  | "startingOffset"
  | "fallback"
  | "onFallback"
  | "onResume"
>;

/** Asks metadata services with the connection and the rights that the flags give. */
export interface Asker {
  readonly namespace: string;
  /** Throws MetadataFailure. */
  open(question: Question): Promise<MetadataStream>;
}

/** Connects as the flags say, hands the connection on, and closes it whatever happens. */
export async function withAsker(
  options: ConnectionOptions,
  io: Io,
  use: (asker: Asker) => Promise<void>,
): Promise<void> {
  const config = loadKubeConfig({ kubeconfig: options.kubeconfig, env: io.env });
  const namespace = options.namespace || config.namespace;
  if (!namespace)
    throw new Failure("terminal", "InvalidRequest", "--namespace: is required, the kubeconfig names none");
  const api = createKubeClient({ config, userAgent: `kubectl-protect/${io.version}`, log: silentLogger() });
  const { serviceAccount: name, serviceAccountNamespace } = options;
  try {
    await use({
      namespace,
      open: (question) =>
        openMetadata({
          api,
          namespace,
          maxResults: options.maxResults,
          tokenExpirySeconds: options.tokenExpiry,
          address: options.address,
          serverName: options.serverName,
          resume: { attempts: options.resumeAttempts },
          ...(name ? { serviceAccount: { namespace: serviceAccountNamespace, name } } : {}),
          ...(options.tokenFile ? { token: tokenFromFile(options.tokenFile) } : {}),
          signal: io.signal,
          ...question,
        }),
    });
  } finally {
    await api.close();
  }
}

/** Opens the stream that the flags describe, hands it on, and closes everything whatever happens. */
export async function withMetadata(
  options: SnapshotOptions,
  io: Io,
  progress: Pick<ProgressLine, "say">,
  use: (metadata: MetadataStream) => Promise<void>,
): Promise<void> {
  const { fallback } = options;
  await withAsker(options, io, async ({ open }) => {
    await using metadata = await open({
      snapshotName: options.snapshot,
      previousSnapshotId: options.previousSnapshotId,
      previousSnapshotName: options.previousSnapshot,
      startingOffset: BigInt(options.startingOffset),
      ...(fallback ? { fallback } : {}),
      onFallback: ({ tier, failure }, next) =>
        progress.say(`no ${tier} ranges can be had (${failure.message}); taking ${next} ranges instead`),
      onResume: tellResume(progress),
    });
    await use(metadata);
  }).catch((thrown: unknown) => {
    throw fallback ? withAdvice(thrown) : thrown;
  });
}

/** Tells a person which flag would have helped. */
function withAdvice(thrown: unknown): unknown {
  if (!(thrown instanceof MetadataFailure) || thrown.lowerTier === undefined || thrown.reason === "TierLost")
    return thrown;
  const { kind, reason, message, lowerTier } = thrown;
  const what = lowerTier === "full" ? "the whole volume" : "all allocated blocks";
  return new Failure(kind, reason, `${message}; --fallback=${lowerTier} takes ${what} instead`, { cause: thrown });
}

/** Tells a person that a stream broke and goes on. Only then does a success write to stderr. */
export function tellResume({ say }: Pick<ProgressLine, "say">): (notice: ResumeNotice) => void {
  return ({ offset, attempt, pauseMs, because }) => {
    say(`the stream broke (${because.message}); taking it up at byte ${offset} in ${pauseMs} ms, attempt ${attempt}`);
  };
}
