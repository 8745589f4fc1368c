import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { SnapshotMetadataService } from "../../../pkg/apis/cbt/index.ts";
import { isNotFound } from "../../../pkg/kube/client/index.ts";
import { makeServerCertificate } from "../../../pkg/runtime/certificates/index.ts";
import { Failure } from "../../../pkg/runtime/errors/index.ts";
import { systemClock } from "../../../pkg/runtime/timing/index.ts";
import type { Service } from "../processes/service.ts";
import type { Outcome } from "../screen/narrator.ts";
import { type Cluster, names, type World } from "../world.ts";
import type { Access } from "./access.ts";
import { fresh, unless } from "./cluster.ts";
import type { Driver } from "./driver.ts";

const host = "127.0.0.1";

/** Starts the metadata sidecar with rights of its own, and publishes where it is and whom to trust. */
export async function startSidecar(
  world: World,
  cluster: Cluster,
  access: Access,
  driver: Driver,
): Promise<Outcome<Service>> {
  const { caPem, certPem, keyPem } = await makeServerCertificate([host]);
  const [cert, key] = [join(world.folder, "tls.crt"), join(world.folder, "tls.key")];
  await writeFile(cert, certPem, { mode: 0o600 });
  await writeFile(key, keyPem, { mode: 0o600 });
  const flags = (port: unknown, httpPort: unknown): string[] => [
    `--csi-address=${driver.endpoint}`,
    `--kubeconfig=${access.sidecar}`,
    `--tls-cert=${cert}`,
    `--tls-key=${key}`,
    `--port=${port}`,
    `--http-endpoint=${host}:${httpPort}`,
  ];
  const { service, ready } = await world.startService({
    name: "csi-snapshot-metadata",
    args: flags(0, 0),
    argsAgain: ({ port, httpPort }) => flags(port, httpPort),
    isReady: ({ msg, port }) => msg === "serving" && typeof port === "number",
    restarts: true,
  });
  const { port, httpPort } = ready;
  const address = `${host}:${port}`;
  const { admin } = cluster;
  world.undo(() => admin.delete(SnapshotMetadataService, { name: names.driver }).catch(unless(isNotFound)));
  await fresh(admin, SnapshotMetadataService, {
    metadata: { name: names.driver },
    spec: { audience: names.audience, address, caCert: Buffer.from(caPem).toString("base64") },
  });
  await untilReady(`http://${host}:${httpPort}/readyz`, world.signal);
  return {
    value: service,
    note: `csi-snapshot-metadata, process ${service.pid}, TLS on ${address}`,
    data: { address },
  };
}

/** Polls the readiness page; ends with the signal. */
async function untilReady(url: string, signal: AbortSignal): Promise<void> {
  for (let patience = 200; patience > 0; patience -= 1) {
    const ready = await fetch(url, { signal }).then(
      (response) => response.ok,
      () => false,
    );
    if (ready) return;
    await systemClock.sleep(25, signal);
  }
  throw new Failure("terminal", "NotReady", `${url} did not become ready`);
}
