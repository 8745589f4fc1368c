import { chmod, lstat, unlink } from "node:fs/promises";
import { connect, createServer, type Socket } from "node:net";
import { type Server, ServerCredentials } from "@grpc/grpc-js";
import type { SocketAddress } from "../../csi/index.ts";
import { Failure } from "../../runtime/errors/index.ts";

/** A unix socket that hands its connections to a gRPC server. */
export interface Endpoint {
  /** Cuts every connection; new ones are taken. */
  dropConnections(): void;
  /** No new connections, and the socket file goes. Those open stay until their calls end. */
  stopListening(): Promise<void>;
}

/**
 * Listens ourselves, rather than through grpc-js, so that connections can be cut as a crash would cut them. A socket
 * file that nobody listens on is removed; one with a listener is an error.
 */
export async function openEndpoint(server: Server, address: SocketAddress): Promise<Endpoint> {
  await removeStale(address.path);
  const injector = server.createConnectionInjector(ServerCredentials.createInsecure());
  const sockets = new Set<Socket>();
  const listener = createServer((socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
    injector.injectConnection(socket);
  });
  await new Promise<void>((resolve, reject) => {
    listener.once("error", reject);
    listener.listen(address.path, resolve);
  });
  // The umask may have left it open to others, and every caller is trusted.
  await chmod(address.path, 0o600);
  return {
    dropConnections: () => {
      for (const socket of sockets) socket.destroy();
    },
    stopListening: () =>
      new Promise<void>((resolve) => {
        listener.close(() => resolve());
        // close() waits for the connections; the file is gone at once.
        resolve();
      }),
  };
}

async function removeStale(path: string): Promise<void> {
  const found = await lstat(path).catch(() => undefined);
  if (found === undefined) return;
  if (!found.isSocket()) {
    throw new Failure("terminal", "EndpointTaken", `${path} exists and is not a socket; remove it or choose another`);
  }
  if (await answers(path)) {
    throw new Failure("terminal", "EndpointTaken", `another process serves on ${path}; stop it or choose another`);
  }
  await unlink(path);
}

function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    const settle = (listening: boolean): void => {
      socket.destroy();
      resolve(listening);
    };
    socket.once("connect", () => settle(true));
    socket.once("error", () => settle(false));
  });
}
