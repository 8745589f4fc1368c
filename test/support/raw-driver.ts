import { mkdtemp, rm } from "node:fs/promises";
import { connect, createServer, type Server as NetServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Server, ServerCredentials, type ServerUnaryCall, type ServerWritableStream } from "@grpc/grpc-js";
import {
  GetMetadataAllocatedRequest,
  GetMetadataDeltaRequest,
  IdentityService,
  type PluginCapability_Service_Type,
  PluginCapability_Service_Type as ServiceType,
} from "../../pkg/gen/csi/v1/csi.ts";

export type RawDriverCall = ServerWritableStream<Buffer, Buffer>;

/** One call the driver received, decoded for a look. */
export interface SeenCall {
  readonly method: "GetMetadataAllocated" | "GetMetadataDelta";
  readonly request: GetMetadataAllocatedRequest | GetMetadataDeltaRequest;
  readonly call: RawDriverCall;
}

export interface RawDriverScript {
  /** Where to serve; a path of its own when absent. */
  readonly socket?: string;
  readonly name?: string;
  readonly services?: readonly PluginCapability_Service_Type[];
  /** Answer of Probe; `undefined` leaves `ready` out. Hears by when the caller wants it, milliseconds since the epoch. */
  readonly ready?: (deadlineMs: number) => boolean | undefined;
  /** What a stream does. The default ends it at once. */
  readonly stream?: (call: RawDriverCall, seen: SeenCall) => void;
}

export interface RawDriver extends AsyncDisposable {
  readonly socket: string;
  readonly seen: SeenCall[];
  /** Breaks all connections and frees the socket, as a dying driver does. */
  kill(): void;
  /** Serves again on the same socket. */
  start(): Promise<void>;
}

const asIs = (bytes: Buffer): Buffer => bytes;

/** A CSI driver that answers identity properly and does on its streams whatever a test says, byte by byte. */
export async function rawDriver(script: RawDriverScript = {}): Promise<RawDriver> {
  const folder = await mkdtemp(join(tmpdir(), "raw-driver-"));
  const socket = script.socket ?? join(folder, "csi.sock");
  const seen: SeenCall[] = [];
  const server = build(script, seen);
  const inner = join(folder, "inner.sock");
  await new Promise<void>((resolve, reject) => {
    server.bindAsync(`unix://${inner}`, ServerCredentials.createInsecure(), (error) =>
      error ? reject(error) : resolve(),
    );
  });
  const door = new Door(inner, socket);
  await door.open();
  return {
    socket,
    seen,
    kill: () => door.slam(),
    start: () => door.open(),
    [Symbol.asyncDispose]: async () => {
      door.slam();
      server.forceShutdown();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Passes connections on; slammed, it breaks them all without a word, as the kernel does for a process that was killed. */
class Door {
  readonly #inner: string;
  readonly #outer: string;
  readonly #connections = new Set<Socket>();
  #server: NetServer | undefined;

  constructor(inner: string, outer: string) {
    this.#inner = inner;
    this.#outer = outer;
  }

  async open(): Promise<void> {
    await rm(this.#outer, { force: true });
    const server = createServer((near) => {
      const far = connect(this.#inner);
      for (const side of [near, far]) {
        this.#connections.add(side);
        side.on("error", () => side.destroy());
        side.on("close", () => this.#connections.delete(side));
      }
      near.pipe(far).pipe(near);
    });
    await new Promise<void>((resolve) => server.listen(this.#outer, resolve));
    this.#server = server;
  }

  slam(): void {
    this.#server?.close();
    this.#server = undefined;
    for (const side of this.#connections) side.destroy();
  }
}

function build(script: RawDriverScript, seen: SeenCall[]): Server {
  const server = new Server({ "grpc.max_send_message_length": -1 });
  const services = script.services ?? [ServiceType.SNAPSHOT_METADATA_SERVICE];
  server.addService(IdentityService, {
    getPluginInfo: (_call: unknown, answer: (error: null, value: object) => void) =>
      answer(null, { name: script.name ?? "raw.csi.test", vendorVersion: "1", manifest: {} }),
    getPluginCapabilities: (_call: unknown, answer: (error: null, value: object) => void) =>
      answer(null, { capabilities: services.map((type) => ({ type: { $case: "service", value: { type } } })) }),
    probe: (call: ServerUnaryCall<unknown, object>, answer: (error: null, value: object) => void) =>
      answer(null, { ready: script.ready ? script.ready(Number(call.getDeadline())) : true }),
  });
  const method = (name: SeenCall["method"], decode: (bytes: Buffer) => SeenCall["request"]) => ({
    definition: {
      path: `/csi.v1.SnapshotMetadata/${name}`,
      requestStream: false,
      responseStream: true,
      requestSerialize: asIs,
      requestDeserialize: asIs,
      responseSerialize: asIs,
      responseDeserialize: asIs,
    },
    handler: (call: RawDriverCall): void => {
      const each = { method: name, request: decode(call.request), call };
      seen.push(each);
      if (script.stream) script.stream(call, each);
      else call.end();
    },
  });
  const allocated = method("GetMetadataAllocated", (bytes) => GetMetadataAllocatedRequest.decode(bytes));
  const delta = method("GetMetadataDelta", (bytes) => GetMetadataDeltaRequest.decode(bytes));
  server.addService(
    { GetMetadataAllocated: allocated.definition, GetMetadataDelta: delta.definition },
    { GetMetadataAllocated: allocated.handler, GetMetadataDelta: delta.handler },
  );
  return server;
}
