import {
  Client,
  type ClientReadableStream,
  credentials,
  status as grpcStatus,
  Metadata,
  type StatusObject,
} from "@grpc/grpc-js";
import {
  type GetMetadataAllocatedRequest,
  type GetMetadataAllocatedResponse,
  type GetMetadataDeltaRequest,
  SnapshotMetadataService,
} from "../../gen/snapshotmetadata/snapshotmetadata.ts";
import { messageOf } from "../../runtime/errors/index.ts";
import { cancelled, MetadataFailure } from "./failure.ts";
import { fromStatus } from "./status.ts";

/** One question. With a base handle: what differs from it; without: what holds data. */
export interface MetadataQuestion {
  readonly token: string;
  readonly namespace: string;
  readonly snapshotName: string;
  readonly baseHandle?: string;
  readonly startingOffset: bigint;
  readonly maxResults: number;
}

/** Both responses have one shape on the wire. */
export type MetadataMessage = GetMetadataAllocatedResponse;

/** A connection to one metadata service. */
export interface MetadataTransport {
  /** Yields messages as they are pulled, and returns only after a clean OK. Throws MetadataFailure. */
  ask(question: MetadataQuestion, signal: AbortSignal): AsyncGenerator<MetadataMessage, void>;
  /** Encoded bytes of all messages so far. */
  readonly wireBytes: number;
  close(): void;
}

export interface TransportOptions {
  /** host:port */
  readonly address: string;
  /** PEM; nothing else is trusted. */
  readonly caPem: string;
  /** Name the certificate must carry, when not the host of `address`. */
  readonly serverName?: string;
}

/** A message of 256 tuples has 4 KiB; this leaves room for a driver that sends its whole volume in one. */
const largestMessageBytes = 16 * 2 ** 20;

/** Longer than the five minutes below which a Go server takes pings for an attack. */
const keepaliveMs = 330_000;

/** Opens a TLS channel that trusts one CA bundle. Connects at the first question. Throws MetadataFailure. */
export function connectMetadata({ address, caPem, serverName }: TransportOptions): MetadataTransport {
  const client = new Client(address, trusting(caPem), {
    "grpc.max_receive_message_length": largestMessageBytes,
    "grpc.keepalive_time_ms": keepaliveMs,
    "grpc.use_local_subchannel_pool": 1,
    "grpc-node.flow_control_window": 2 ** 20,
    ...(serverName ? { "grpc.ssl_target_name_override": serverName, "grpc.default_authority": serverName } : {}),
  });
  let wireBytes = 0;
  const decode = (bytes: Buffer): MetadataMessage => {
    wireBytes += bytes.length;
    return SnapshotMetadataService.getMetadataAllocated.responseDeserialize(bytes);
  };
  return {
    get wireBytes() {
      return wireBytes;
    },
    close: () => client.close(),
    ask: (question, signal) => receive(start(client, question, decode), address, question.token, signal),
  };
}

function trusting(caPem: string) {
  try {
    return credentials.createSsl(Buffer.from(caPem));
  } catch (thrown) {
    throw new MetadataFailure("terminal", "ServiceInvalid", `the CA certificate is not usable: ${messageOf(thrown)}`);
  }
}

type Call = ClientReadableStream<MetadataMessage>;

function start(client: Client, question: MetadataQuestion, decode: (bytes: Buffer) => MetadataMessage): Call {
  const { token: securityToken, namespace, snapshotName, baseHandle, startingOffset, maxResults } = question;
  if (baseHandle === undefined) {
    const { path, requestSerialize } = SnapshotMetadataService.getMetadataAllocated;
    const request: GetMetadataAllocatedRequest = { securityToken, namespace, snapshotName, startingOffset, maxResults };
    return client.makeServerStreamRequest(path, requestSerialize, decode, request, new Metadata());
  }
  const { path, requestSerialize } = SnapshotMetadataService.getMetadataDelta;
  const request: GetMetadataDeltaRequest = {
    securityToken,
    namespace,
    baseSnapshotId: baseHandle,
    targetSnapshotName: snapshotName,
    startingOffset,
    maxResults,
  };
  return client.makeServerStreamRequest(path, requestSerialize, decode, request, new Metadata());
}

async function* receive(
  call: Call,
  address: string,
  secret: string,
  signal: AbortSignal,
): AsyncGenerator<MetadataMessage, void> {
  const closing = Promise.withResolvers<StatusObject>();
  call.once("status", closing.resolve);
  const cancel = (): void => call.cancel();
  signal.addEventListener("abort", cancel, { once: true });
  try {
    if (signal.aborted) throw cancelled(signal);
    // The status says how the stream ended; the error event repeats it, and must not be thrown in its place.
    for await (const message of call) yield message as MetadataMessage;
  } catch (thrown) {
    if (thrown instanceof MetadataFailure) throw thrown;
  } finally {
    signal.removeEventListener("abort", cancel);
    call.cancel();
  }
  const status = await closing.promise;
  if (signal.aborted) throw cancelled(signal);
  if (status.code !== grpcStatus.OK) throw fromStatus(status, address, secret);
}
