import type { AddressInfo } from "node:net";
import { connect, createServer, type Server, type Socket } from "node:net";

/** A way to the API server that can be shut. */
export interface ApiDoor extends AsyncDisposable {
  /** The kubeconfig that was given, leading through the door. */
  readonly kubeconfigText: string;
  /** Breaks all connections and takes no new ones. */
  shut(): void;
  /** Lets connections through again, at the same address. */
  open(): Promise<void>;
}

/** Puts a door on loopback before the server of this kubeconfig; TLS goes through it unread. */
export async function apiDoor(kubeconfigText: string): Promise<ApiDoor> {
  const address = /https:\/\/127\.0\.0\.1:(\d+)/.exec(kubeconfigText);
  if (address === null) throw new Error("the API server must listen on 127.0.0.1");
  const connections = new Set<Socket>();
  let server: Server | undefined;
  let port = 0;
  const open = async (): Promise<void> => {
    const listening = createServer((near) => {
      const far = connect(Number(address[1]), "127.0.0.1");
      for (const side of [near, far]) {
        connections.add(side);
        side.on("error", () => side.destroy());
        side.on("close", () => connections.delete(side));
      }
      near.pipe(far).pipe(near);
    });
    await new Promise<void>((resolve) => listening.listen(port, "127.0.0.1", resolve));
    port = (listening.address() as AddressInfo).port;
    server = listening;
  };
  const shut = (): void => {
    server?.close();
    server = undefined;
    for (const each of connections) each.destroy();
  };
  await open();
  return {
    kubeconfigText: kubeconfigText.replaceAll(address[0], `https://127.0.0.1:${port}`),
    shut,
    open,
    [Symbol.asyncDispose]: async () => shut(),
  };
}
