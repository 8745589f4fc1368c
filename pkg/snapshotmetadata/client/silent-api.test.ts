import { createServer, type Socket } from "node:net";
import { expect, it } from "vitest";
import { createKubeClient, loadKubeConfig } from "../../kube/client/index.ts";
import { silentLogger } from "../../runtime/log/index.ts";
import { openMetadata } from "./open.ts";
import { requestedToken } from "./token.ts";

/** A client of an API server that accepts connections and never answers; `asked` settles with its first bytes. */
async function silentApi() {
  const { promise: asked, resolve } = Promise.withResolvers<void>();
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket.on("error", () => {}));
    socket.once("data", () => resolve());
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const { port } = server.address() as { port: number };
  const text = JSON.stringify({
    "current-context": "it",
    contexts: [{ name: "it", context: { cluster: "it", user: "it" } }],
    clusters: [{ name: "it", cluster: { server: `https://127.0.0.1:${port}`, "insecure-skip-tls-verify": true } }],
    users: [{ name: "it", user: { token: "t" } }],
  });
  const config = loadKubeConfig({ text, env: {} });
  const api = createKubeClient({ config, userAgent: "test", log: silentLogger() });
  const dispose = async (): Promise<void> => {
    await api.close();
    for (const socket of sockets) socket.destroy();
    server.close();
  };
  return { api, asked, [Symbol.asyncDispose]: dispose };
}

type SilentApi = Awaited<ReturnType<typeof silentApi>>["api"];

it.each<[string, (api: SilentApi, signal: AbortSignal) => Promise<unknown>]>([
  ["the snapshot", (api, signal) => openMetadata({ api, namespace: "shop", snapshotName: "tuesday", signal })],
  [
    "the service",
    (api, signal) => openMetadata({ api, namespace: "shop", snapshotName: "tuesday", driverName: "dev", signal }),
  ],
  ["who is asking", (api, signal) => requestedToken({ api })("cbt", signal)],
  [
    "a token",
    (api, signal) => requestedToken({ api, serviceAccount: { namespace: "shop", name: "backup" } })("cbt", signal),
  ],
])("stops with the caller's signal while the API server does not say: %s", async (_, ask) => {
  await using it = await silentApi();
  const stopping = new AbortController();
  const asking = ask(it.api, stopping.signal);
  void it.asked.then(() => stopping.abort(new Error("enough")));
  await expect(asking).rejects.toMatchObject({ reason: "Cancelled", message: expect.stringContaining("enough") });
});
