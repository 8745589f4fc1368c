import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Server, ServerCredentials, type UntypedServiceImplementation } from "@grpc/grpc-js";
import {
  ControllerService,
  GroupControllerService,
  IdentityService,
  SnapshotMetadataService,
} from "../../gen/csi/v1/csi.ts";

/** Handlers by method name, as the generated services spell them. What is missing answers UNIMPLEMENTED. */
export type StubHandlers = UntypedServiceImplementation;

/** A driver on a real socket that answers as a test tells it, and can be stopped and started again. */
export interface StubDriver extends AsyncDisposable {
  readonly address: string;
  start(handlers: StubHandlers): Promise<void>;
  /** Cuts everything, as a crash would. */
  stop(): Promise<void>;
}

/** Makes the folder of the socket; nothing listens until `start`. */
export async function stubDriver(handlers?: StubHandlers): Promise<StubDriver> {
  const folder = await mkdtemp(join(tmpdir(), "csi-stub-"));
  const address = join(folder, "csi.sock");
  let server: Server | undefined;
  const stop = async (): Promise<void> => {
    server?.forceShutdown();
    server = undefined;
    await rm(address, { force: true });
  };
  const start = async (each: StubHandlers): Promise<void> => {
    const next = new Server({ "grpc.max_send_message_length": -1 });
    for (const service of [IdentityService, ControllerService, GroupControllerService, SnapshotMetadataService]) {
      next.addService(service, each);
    }
    await new Promise<void>((resolve, reject) => {
      next.bindAsync(`unix://${address}`, ServerCredentials.createInsecure(), (error) =>
        error === null ? resolve() : reject(error),
      );
    });
    server = next;
  };
  if (handlers !== undefined) await start(handlers);
  return {
    address,
    start,
    stop,
    [Symbol.asyncDispose]: async () => {
      await stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
