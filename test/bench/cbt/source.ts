/**
 * Worker: a CSI driver that has its messages ready. It serves them twice: as a driver on a unix socket, and over TLS as
 * the Kubernetes service, without asking who calls, for the column without a sidecar. It is plain HTTP/2 and writes large
 * pieces, so that it takes little of the cores that it shares with what is measured.
 */
import { readFileSync } from "node:fs";
import { createSecureServer, createServer, type ServerHttp2Stream } from "node:http2";
import type { AddressInfo, Server } from "node:net";
import {
  GetMetadataAllocatedRequest as DriverRequest,
  IdentityService,
  PluginCapability_Service_Type as ServiceType,
} from "../../../pkg/gen/csi/v1/csi.ts";
import {
  GetMetadataAllocatedRequest,
  SnapshotMetadataService,
} from "../../../pkg/gen/snapshotmetadata/snapshotmetadata.ts";
import { answerJobs } from "../measure/worker.ts";
import { type Encoded, encodeMessages } from "./messages.ts";

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
export type Prepared = Pick<Encoded, "messages" | "bytes">;

/** Answers one call: with whole frames. */
type Method = (request: Buffer) => readonly Buffer[];

const prefixBytes = 5;
const usualPerMessage = 256;

/** What was asked for last; many millions of tuples are not kept for nothing. */
let last: { readonly key: string; readonly encoded: Encoded } | undefined;

function encodedOf(snapshot: string, maxResults: number): Encoded {
  const perMessage = maxResults > 0 ? maxResults : usualPerMessage;
  const key = `${snapshot}/${perMessage}`;
  if (last?.key === key) return last.encoded;
  const tuples = Number(/^tuples-(\d+)$/.exec(snapshot)?.[1]);
  if (!Number.isSafeInteger(tuples)) throw new Error(`the source knows no snapshot ${snapshot}`);
  last = undefined;
  last = { key, encoded: encodeMessages(tuples, perMessage) };
  return last.encoded;
}

function framed(message: Uint8Array): Buffer {
  const frame = Buffer.alloc(prefixBytes + message.length);
  frame.writeUInt32BE(message.length, 1);
  frame.set(message, prefixBytes);
  return frame;
}

function driverMethods(driverName: string): Map<string, Method> {
  const capability = { type: ServiceType.SNAPSHOT_METADATA_SERVICE };
  const { getPluginInfo, getPluginCapabilities, probe } = IdentityService;
  const info = getPluginInfo.responseSerialize({ name: driverName, vendorVersion: "1", manifest: {} });
  const capabilities = getPluginCapabilities.responseSerialize({
    capabilities: [{ type: { $case: "service", value: capability } }],
  });
  const ready = probe.responseSerialize({ ready: true });
  return new Map<string, Method>([
    [getPluginInfo.path, () => [framed(info)]],
    [getPluginCapabilities.path, () => [framed(capabilities)]],
    [probe.path, () => [framed(ready)]],
    [
      "/csi.v1.SnapshotMetadata/GetMetadataAllocated",
      (request) => {
        const { snapshotId, maxResults } = DriverRequest.decode(request);
        return encodedOf(snapshotId, maxResults).pieces;
      },
    ],
  ]);
}

const directMethods = new Map<string, Method>([
  [
    SnapshotMetadataService.getMetadataAllocated.path,
    (request) => {
      const { snapshotName, maxResults } = GetMetadataAllocatedRequest.decode(request);
      return encodedOf(snapshotName, maxResults).pieces;
    },
  ],
]);

/** One call: the request to its end, then the pieces as the transport takes them, then OK. */
function answer(stream: ServerHttp2Stream, method: Method | undefined): void {
  const request: Buffer[] = [];
  stream.on("error", () => undefined);
  stream.on("data", (piece: Buffer) => request.push(piece));
  stream.on("end", () => {
    stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
    stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": method === undefined ? "12" : "0" }));
    send(stream, method?.(Buffer.concat(request).subarray(prefixBytes)) ?? []);
  });
}

function send(stream: ServerHttp2Stream, pieces: readonly Buffer[]): void {
  let next = 0;
  const write = (): void => {
    for (let piece = pieces[next]; piece !== undefined && !stream.destroyed; piece = pieces[next]) {
      next += 1;
      if (!stream.write(piece)) return void stream.once("drain", write);
    }
    stream.end();
  };
  write();
}

async function serve({ socket, driverName, cert, key }: SourceJob & { kind: "serve" }): Promise<number> {
  const settings = { maxSessionMemory: 1024 };
  const onSocket = createServer(settings);
  const overTls = createSecureServer({ ...settings, cert: readFileSync(cert), key: readFileSync(key) });
  const methods = driverMethods(driverName);
  onSocket.on("stream", (stream, headers) => answer(stream, methods.get(String(headers[":path"]))));
  overTls.on("stream", (stream, headers) => answer(stream, directMethods.get(String(headers[":path"]))));
  await listen(onSocket, socket);
  await listen(overTls, 0);
  return (overTls.address() as AddressInfo).port;
}

function listen(server: Server, at: string | number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    if (typeof at === "string") server.listen(at, resolve);
    else server.listen(at, "127.0.0.1", resolve);
  });
}

answerJobs(async (job: SourceJob): Promise<number | Prepared> => {
  if (job.kind === "serve") return await serve(job);
  const { messages, bytes } = encodedOf(job.snapshot, job.perMessage);
  return { messages, bytes };
});
