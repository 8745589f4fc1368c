import type { Server, ServerCredentials } from "@grpc/grpc-js";
import { messageOf } from "../../runtime/errors/index.ts";

export interface GrpcListen {
  /** "host:port", ":port" for all interfaces, or "unix:///path". */
  readonly address: string;
  readonly credentials: ServerCredentials;
  /** The flag that gave the address, for the message of the rejection. */
  readonly flag: string;
}

/** Binds a gRPC server and returns its port. Rejects with a message that names flag and address. */
export async function listenGrpc(server: Server, { address, credentials, flag }: GrpcListen): Promise<number> {
  try {
    if (!address.startsWith(":")) return await bind(server, address, credentials);
    return await bind(server, `[::]${address}`, credentials).catch((error: unknown) => {
      // A machine without IPv6; anything else would only fail again, with a worse message.
      if (!/EAFNOSUPPORT|EADDRNOTAVAIL/.test(messageOf(error))) throw error;
      return bind(server, `0.0.0.0${address}`, credentials);
    });
  } catch (thrown) {
    throw new Error(`--${flag}: can not listen on ${address}: ${messageOf(thrown)}`, { cause: thrown });
  }
}

function bind(server: Server, address: string, credentials: ServerCredentials): Promise<number> {
  return new Promise((resolve, reject) => {
    server.bindAsync(address, credentials, (error, port) => {
      if (error === null) resolve(port);
      else reject(error);
    });
  });
}
