import type { Writable } from "node:stream";
import { createKubeClient, loadKubeConfig } from "../../kube/client/index.ts";
import { Failure } from "../../runtime/errors/index.ts";
import { silentLogger } from "../../runtime/log/index.ts";
import {
  type MetadataStream,
  openMetadata,
  type ResumeNotice,
  tokenFromFile,
} from "../../snapshotmetadata/client/index.ts";
import type { Io } from "../command.ts";
import type { SnapshotOptions } from "./options.ts";

/** Opens the stream that the flags describe, hands it on, and closes it and the API connection whatever happens. */
export async function withMetadata(
  options: SnapshotOptions,
  io: Io,
  onResume: (notice: ResumeNotice) => void,
  use: (metadata: MetadataStream) => Promise<void>,
): Promise<void> {
  const config = loadKubeConfig({ kubeconfig: options.kubeconfig, env: io.env });
  const namespace = options.namespace || config.namespace;
  if (!namespace)
    throw new Failure("terminal", "InvalidRequest", "--namespace: is required, the kubeconfig names none");
  const api = createKubeClient({ config, userAgent: `kubectl-protect/${io.version}`, log: silentLogger() });
  try {
    const { serviceAccount: name, serviceAccountNamespace } = options;
    await using metadata = await openMetadata({
      api,
      namespace,
      snapshotName: options.snapshot,
      previousSnapshotId: options.previousSnapshotId,
      previousSnapshotName: options.previousSnapshot,
      startingOffset: BigInt(options.startingOffset),
      maxResults: options.maxResults,
      tokenExpirySeconds: options.tokenExpiry,
      address: options.address,
      serverName: options.serverName,
      resume: { attempts: options.resumeAttempts },
      ...(name ? { serviceAccount: { namespace: serviceAccountNamespace, name } } : {}),
      ...(options.tokenFile ? { token: tokenFromFile(options.tokenFile) } : {}),
      onResume,
      signal: io.signal,
    });
    await use(metadata);
  } finally {
    await api.close();
  }
}

/** Tells a person that a stream broke and goes on. Only then does a success write to stderr. */
export function tellResume(stderr: Writable): (notice: ResumeNotice) => void {
  return ({ offset, attempt, pauseMs, because }) => {
    stderr.write(
      `the stream broke (${because.message}); taking it up at byte ${offset} in ${pauseMs} ms, attempt ${attempt}\n`,
    );
  };
}
