import { createServer, type ListenOptions, type Server as NetServer, type Socket } from "node:net";
import type { Server, ServerCredentials } from "@grpc/grpc-js";
import { messageOf } from "../../runtime/errors/index.ts";
import { parseListenAddress } from "../address/index.ts";
import type { ConnectionGuard } from "./connection-guard.ts";

export interface GrpcListen {
  /** "host:port", ":port" for all interfaces, or "unix:///path". */
  readonly address: string;
  readonly credentials: ServerCredentials;
  /** The flag that gave the address, for the message of the rejection. */
  readonly flag: string;
  /** Decides which connections are taken, and watches over those that were. */
  readonly guard?: ConnectionGuard;
}

/** A gRPC server's way in. */
export interface GrpcListener {
  /** 0 for a socket file. */
  readonly port: number;
  /**
   * Takes no more connections, and settles when the last of those that exist has closed. The gRPC server does not know:
   * it believes that a connection is gone once it has been told to close, with streams still running.
   */
  stopAccepting(): Promise<void>;
  /** Cuts the connections that are left, and settles when all are gone. */
  close(): Promise<void>;
}

/**
 * Lets connections in to a gRPC server. Rejects with a message that names flag and address.
 *
 * The socket is ours and grpc-js gets its connections: its own listener takes every connection there is, and tells of
 * an address that is taken in words of its own.
 */
export async function listenGrpc(server: Server, options: GrpcListen): Promise<GrpcListener> {
  const { address, credentials, flag, guard } = options;
  const sockets = new Set<Socket>();
  const { promise: gone, resolve } = Promise.withResolvers<void>();
  const settle = (): void => {
    if (!listening.listening && sockets.size === 0) resolve();
  };
  const stopAccepting = (): Promise<void> => {
    listening.close(settle);
    guard?.dropSilent();
    return gone;
  };
  const door = server.createConnectionInjector(credentials);
  const listening = createServer({ noDelay: true }, (socket) => {
    if (guard?.admit(socket) === false) return void socket.resetAndDestroy();
    sockets.add(socket);
    socket.once("close", () => {
      sockets.delete(socket);
      settle();
    });
    // What breaks before there is TLS breaks here; nobody else listens yet.
    socket.on("error", () => socket.destroy());
    door.injectConnection(socket);
  });
  try {
    await listen(listening, placeOf(address));
  } catch (thrown) {
    throw new Error(`--${flag}: can not listen on ${address}: ${messageOf(thrown)}`, { cause: thrown });
  }
  const bound = listening.address();
  return {
    port: typeof bound === "object" ? (bound?.port ?? 0) : 0,
    stopAccepting,
    close: async () => {
      const closed = stopAccepting();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

function placeOf(address: string): ListenOptions {
  return address.startsWith("unix://") ? { path: address.slice("unix://".length) } : parseListenAddress(address);
}

function listen(server: NetServer, place: ListenOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(place, () => {
      server.off("error", reject);
      // Running out of file descriptors, for one: the next connection is another try.
      server.on("error", () => undefined);
      resolve();
    });
  });
}
