/** A metadata service for tests: real gRPC over real TLS, whose answers a test scripts. */
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { Metadata, Server, ServerCredentials, type ServerWritableStream } from "@grpc/grpc-js";
import {
  BlockMetadataType,
  type GetMetadataAllocatedRequest,
  type GetMetadataAllocatedResponse,
  type GetMetadataDeltaRequest,
  SnapshotMetadataService,
} from "../../gen/snapshotmetadata/snapshotmetadata.ts";
import type { ServerCertificate } from "../../runtime/certificates/index.ts";
import { drained } from "../../runtime/stream/index.ts";

type Request = GetMetadataAllocatedRequest & GetMetadataDeltaRequest;
type Call = ServerWritableStream<Request, GetMetadataAllocatedResponse>;

/** What one stream does: messages, then an end. */
export interface Script {
  readonly messages?: readonly GetMetadataAllocatedResponse[];
  /** gRPC status at the end; absent: OK. `hang`: nothing more comes. */
  readonly end?: { readonly code: number; readonly details?: string; readonly trailers?: Metadata } | "hang";
}

export interface TestService extends AsyncDisposable {
  readonly address: string;
  /** The requests so far, in order. */
  readonly requests: readonly (Partial<Request> & { readonly method: "allocated" | "delta" })[];
  /** Messages that went into the wire so far. */
  readonly written: number;
  readonly cancelled: number;
  /** All connections die without a word; new ones are taken. */
  cut(): void;
}

/** Serves one script per stream, in order; a stream without a script ends with UNIMPLEMENTED. */
export async function testService(certificate: ServerCertificate, scripts: readonly Script[]): Promise<TestService> {
  const server = new Server();
  const requests: (Request & { readonly method: "allocated" | "delta" })[] = [];
  const counts = { written: 0, cancelled: 0 };
  const handler = (method: "allocated" | "delta") => async (call: Call) => {
    const script = scripts[requests.length] ?? { end: { code: 12, details: "no script" } };
    requests.push({ ...call.request, method });
    call.on("cancelled", () => {
      counts.cancelled += 1;
    });
    await play(call, script, counts);
  };
  server.addService(SnapshotMetadataService, {
    getMetadataAllocated: handler("allocated"),
    getMetadataDelta: handler("delta"),
  });
  const pair = { cert_chain: Buffer.from(certificate.certPem), private_key: Buffer.from(certificate.keyPem) };
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", ServerCredentials.createSsl(null, [pair]), (error, bound) =>
      error ? reject(error) : resolve(bound),
    );
  });
  const wire = await cuttable(port);
  return {
    address: `127.0.0.1:${wire.port}`,
    cut: wire.cut,
    requests,
    get written() {
      return counts.written;
    },
    get cancelled() {
      return counts.cancelled;
    },
    [Symbol.asyncDispose]: async () => {
      await wire.close();
      server.forceShutdown();
    },
  };
}

/** A TCP relay whose connections can be cut. */
async function cuttable(port: number) {
  const sockets = new Set<Socket>();
  const relay = createServer((near) => {
    const far = connect(port, "127.0.0.1");
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket.on("error", () => {}).on("close", () => sockets.delete(socket));
    }
    near.pipe(far).pipe(near);
  });
  await new Promise<void>((resolve) => relay.listen(0, "127.0.0.1", resolve));
  const cut = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  const close = (): Promise<void> => {
    cut();
    return new Promise((resolve) => relay.close(() => resolve()));
  };
  return { port: (relay.address() as AddressInfo).port, cut, close };
}

async function play(call: Call, { messages = [], end }: Script, counts: { written: number }): Promise<void> {
  for (const message of messages) {
    if (call.cancelled) return;
    counts.written += 1;
    if (!call.write(message)) await drained(call).catch(() => undefined);
  }
  if (end === "hang") return;
  if (end) call.emit("error", { code: end.code, details: end.details ?? "", metadata: end.trailers ?? new Metadata() });
  else call.end();
}

/** A message of ranges [offset, size], by default of 4 KiB blocks in a volume of 1 MiB. */
export function aMessage(
  ranges: readonly (readonly [number | bigint, number | bigint])[],
  { type = BlockMetadataType.FIXED_LENGTH as number, capacity = 1n << 20n } = {},
): GetMetadataAllocatedResponse {
  return {
    blockMetadataType: type as BlockMetadataType,
    volumeCapacityBytes: capacity,
    blockMetadata: ranges.map(([byteOffset, sizeBytes]) => ({
      byteOffset: BigInt(byteOffset),
      sizeBytes: BigInt(sizeBytes),
    })),
  };
}
