/**
 * Worker: a CSI driver that has its messages ready. It serves them twice: as a driver on a unix socket, and over TLS as
 * the Kubernetes service, without asking who calls, for the column without a sidecar.
 */
import { readFileSync } from "node:fs";
import { Server, ServerCredentials, type ServerWritableStream } from "@grpc/grpc-js";
import {
  GetMetadataAllocatedRequest as DriverRequest,
  IdentityService,
  PluginCapability_Service_Type as ServiceType,
} from "../../../pkg/gen/csi/v1/csi.ts";
import { GetMetadataAllocatedRequest } from "../../../pkg/gen/snapshotmetadata/snapshotmetadata.ts";
import { answerJobs } from "../measure/worker.ts";
import { encodeMessages } from "./messages.ts";

/** What a source can be asked: to begin, and how much a snapshot is on the wire (which also makes it ready). */
export type SourceJob =
  | {
      readonly kind: "serve";
      readonly socket: string;
      readonly driverName: string;
      readonly cert: string;
      readonly key: string;
    }
  | { readonly kind: "prepare"; readonly snapshot: string; readonly perMessage: number };

/** Messages of a snapshot, and their bytes with gRPC's prefix of five each. */
export interface Prepared {
  readonly messages: number;
  readonly bytes: number;
}

const grpcPrefixBytes = 5;
const usualPerMessage = 256;
const asIs = (bytes: Buffer): Buffer => bytes;
const prepared = new Map<string, readonly Buffer[]>();

function messagesOf(snapshot: string, maxResults: number): readonly Buffer[] {
  const perMessage = maxResults > 0 ? maxResults : usualPerMessage;
  const key = `${snapshot}/${perMessage}`;
  const known = prepared.get(key);
  if (known !== undefined) return known;
  const tuples = Number(/^tuples-(\d+)$/.exec(snapshot)?.[1]);
  if (!Number.isSafeInteger(tuples)) throw new Error(`the source knows no snapshot ${snapshot}`);
  const made = encodeMessages(tuples, perMessage);
  prepared.set(key, made);
  return made;
}

function send(call: ServerWritableStream<Buffer, Buffer>, messages: readonly Buffer[]): void {
  let next = 0;
  const write = (): void => {
    for (let message = messages[next]; message !== undefined && !call.cancelled; message = messages[next]) {
      next += 1;
      if (!call.write(message)) return void call.once("drain", write);
    }
    call.end();
  };
  write();
}

function service(path: string, read: (request: Buffer) => { snapshot: string; maxResults: number }) {
  return [
    {
      GetMetadataAllocated: {
        path: `/${path}/GetMetadataAllocated`,
        requestStream: false,
        responseStream: true,
        requestSerialize: asIs,
        requestDeserialize: asIs,
        responseSerialize: asIs,
        responseDeserialize: asIs,
      },
    },
    {
      GetMetadataAllocated: (call: ServerWritableStream<Buffer, Buffer>) => {
        const { snapshot, maxResults } = read(call.request);
        send(call, messagesOf(snapshot, maxResults));
      },
    },
  ] as const;
}

async function serve({ socket, driverName, cert, key }: SourceJob & { kind: "serve" }): Promise<number> {
  const capability = { type: ServiceType.SNAPSHOT_METADATA_SERVICE };
  const onSocket = new Server();
  type Reply = (error: null, value: object) => void;
  onSocket.addService(IdentityService, {
    getPluginInfo: (_call: unknown, reply: Reply) =>
      reply(null, { name: driverName, vendorVersion: "1", manifest: {} }),
    getPluginCapabilities: (_call: unknown, reply: Reply) =>
      reply(null, { capabilities: [{ type: { $case: "service", value: capability } }] }),
    probe: (_call: unknown, reply: Reply) => reply(null, { ready: true }),
  });
  onSocket.addService(
    ...service("csi.v1.SnapshotMetadata", (bytes) => {
      const { snapshotId: snapshot, maxResults } = DriverRequest.decode(bytes);
      return { snapshot, maxResults };
    }),
  );
  const overTls = new Server();
  overTls.addService(
    ...service("snapshotmetadata.SnapshotMetadata", (bytes) => {
      const { snapshotName: snapshot, maxResults } = GetMetadataAllocatedRequest.decode(bytes);
      return { snapshot, maxResults };
    }),
  );
  const pair = { cert_chain: readFileSync(cert), private_key: readFileSync(key) };
  await bind(onSocket, `unix://${socket}`, ServerCredentials.createInsecure());
  return await bind(overTls, "127.0.0.1:0", ServerCredentials.createSsl(null, [pair]));
}

function bind(server: Server, address: string, credentials: ServerCredentials): Promise<number> {
  return new Promise((resolve, reject) => {
    server.bindAsync(address, credentials, (error, port) => (error ? reject(error) : resolve(port)));
  });
}

answerJobs(async (job: SourceJob): Promise<number | Prepared> => {
  if (job.kind === "serve") return await serve(job);
  const messages = messagesOf(job.snapshot, job.perMessage);
  const bytes = messages.reduce((sum, each) => sum + each.byteLength + grpcPrefixBytes, 0);
  return { messages: messages.length, bytes };
});
