import { type CallOptions, Client, credentials, type Metadata, type StatusObject } from "@grpc/grpc-js";
import {
  GetMetadataAllocatedRequest,
  GetMetadataDeltaRequest,
} from "../../pkg/gen/snapshotmetadata/snapshotmetadata.ts";

/** All that came of one call. `messages` are as they were on the wire. */
export interface CallResult {
  readonly messages: Buffer[];
  readonly code: number;
  readonly details: string;
  readonly trailers: Metadata;
}

/** A plain client of the SnapshotMetadata service, without any of the library's wisdom. */
export interface MetadataCaller extends Disposable {
  allocated(request: Partial<GetMetadataAllocatedRequest>, options?: Partial<CallOptions>): Promise<CallResult>;
  delta(request: Partial<GetMetadataDeltaRequest>, options?: Partial<CallOptions>): Promise<CallResult>;
  /** The same with bytes that need not be a request, and a say in how the stream is read. */
  raw(method: string, request: Buffer, options?: Partial<CallOptions>): ReturnType<Client["makeServerStreamRequest"]>;
}

const asIs = (bytes: Buffer): Buffer => bytes;

/**
 * `serverName`: the host that the certificate is for, where it is not the one dialled. Takes messages of any size unless
 * told otherwise; clients' usual limit is 4 MiB.
 */
export function metadataCaller(port: number, caPem: string, serverName = "localhost", maxBytes = -1): MetadataCaller {
  const client = new Client(`localhost:${port}`, credentials.createSsl(Buffer.from(caPem)), {
    "grpc.max_receive_message_length": maxBytes,
    "grpc.use_local_subchannel_pool": 1,
    "grpc.ssl_target_name_override": serverName,
  });
  const raw: MetadataCaller["raw"] = (method, request, options = {}) =>
    client.makeServerStreamRequest(`/snapshotmetadata.SnapshotMetadata/${method}`, asIs, asIs, request, options);
  return {
    raw,
    allocated: (request, options) =>
      collect(raw("GetMetadataAllocated", encode(GetMetadataAllocatedRequest, request), options)),
    delta: (request, options) => collect(raw("GetMetadataDelta", encode(GetMetadataDeltaRequest, request), options)),
    [Symbol.dispose]: () => client.close(),
  };
}

/** Reads a stream to its end. */
export function collect(stream: ReturnType<MetadataCaller["raw"]>): Promise<CallResult> {
  return new Promise((resolve) => {
    const messages: Buffer[] = [];
    stream.on("data", (message: Buffer) => messages.push(message));
    stream.on("error", () => {});
    stream.on("status", ({ code, details, metadata }: StatusObject) =>
      resolve({ messages, code, details, trailers: metadata }),
    );
  });
}

function encode<T>(
  codec: { fromPartial(value: Partial<T>): T; encode(value: T): { finish(): Uint8Array } },
  request: Partial<T>,
): Buffer {
  return Buffer.from(codec.encode(codec.fromPartial(request)).finish());
}
