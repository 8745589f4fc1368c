import { randomBytes, randomUUID } from "node:crypto";
import { systemClock } from "../../runtime/timing/index.ts";
import type { DevKube, DevKubeOptions } from "./dev-kube.ts";
import { kubeconfigText, makeCertificates } from "./http/certificates.ts";
import { Listener } from "./http/listener.ts";
import { type ApiServer, composeApiServer } from "./machine.ts";
import type { Machine, User } from "./registry/context.ts";
import { Store } from "./storage/store.ts";

const adminName = "dev-admin";
const adminGroup = "system:masters";

/** Starts the embedded API server on loopback with fresh random credentials; resolves once it serves. */
export async function startDevKube(options: DevKubeOptions = {}): Promise<DevKube> {
  const certificates = await makeCertificates({ name: adminName, group: adminGroup });
  const adminToken = randomBytes(32).toString("base64url");
  const admin: User = { name: adminName, uid: randomUUID(), groups: [adminGroup, "system:authenticated"], extra: {} };
  const machine: Machine = {
    store: new Store(options.historyLimit ?? 1000),
    clock: options.clock ?? systemClock,
    faults: options.faults ?? {},
  };
  let server: ApiServer | undefined;
  const listener = new Listener({
    server: certificates.server,
    caPem: certificates.caPem,
    serve: async (exchange) => {
      await server?.router.serve(exchange);
    },
  });
  const port = await listener.listen(options.port ?? 0);
  const address = `127.0.0.1:${port}`;
  server = composeApiServer({
    machine,
    admin,
    adminToken,
    caPem: certificates.caPem,
    address,
    bookmarkIntervalMs: options.bookmarkIntervalMs ?? 60_000,
    namespaceGraceMs: options.namespaceGraceMs ?? 1000,
    ...(options.log ? { log: options.log } : {}),
  });
  const running = server;
  const close = async (): Promise<void> => {
    running.stop();
    await listener.close();
  };
  const url = `https://${address}`;
  return {
    url,
    kubeconfig: kubeconfigText(url, certificates, adminToken),
    caPem: certificates.caPem,
    hooks: {
      compact: () => machine.store.revisions.compact(),
      disturb: (disturbance) => running.disturbances.add(disturbance),
      cutWatches: (match) => running.watches.cut(match),
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}
