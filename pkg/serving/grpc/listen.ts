import type { Server, ServerCredentials } from "@grpc/grpc-js";
import { messageOf } from "../../runtime/errors/index.ts";

/**
 * Binds a gRPC server and returns its port. `address` is "host:port" or "unix:///path"; `flag` names what gave it, for
 * the message of the rejection.
 */
export function listenGrpc(
  server: Server,
  {
    address,
    credentials,
    flag,
  }: { readonly address: string; readonly credentials: ServerCredentials; readonly flag: string },
): Promise<number> {
  return new Promise((resolve, reject) => {
    server.bindAsync(address, credentials, (error, port) => {
      if (error === null) resolve(port);
      else reject(new Error(`--${flag}: can not listen on ${address}: ${messageOf(error)}`, { cause: error }));
    });
  });
}
