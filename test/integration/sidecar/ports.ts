import type { AddressInfo } from "node:net";
import { createServer, type Server } from "node:net";

/** A port of this machine that is taken until the end, so that nobody else can have it. */
export interface TakenPort extends AsyncDisposable {
  readonly port: number;
}

/** Listens on a free port, on all interfaces as the program does. */
export async function takePort(): Promise<TakenPort> {
  const server: Server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, resolve);
  });
  const { port } = server.address() as AddressInfo;
  return { port, [Symbol.asyncDispose]: () => new Promise((resolve) => server.close(() => resolve())) };
}

/** A port that was free a moment ago. */
export async function freePort(): Promise<number> {
  await using taken = await takePort();
  return taken.port;
}
