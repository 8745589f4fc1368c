/** The ways from the source to the caller that are compared. */
import { constants } from "node:fs";
import { access } from "node:fs/promises";
import { join } from "node:path";
import type { Ground } from "../ground.ts";
import { freePort } from "../measure/ports.ts";
import type { Programs } from "../measure/programs.ts";
import { Worker } from "../measure/worker.ts";
import { sidecarArguments, untilServing } from "../startup/serving.ts";
import type { ProxyJob } from "./decoding-proxy.ts";

/** One way: where to call, and the process that stands in it, if any. */
export interface Path {
  readonly name: string;
  readonly port: number;
  readonly pid: number | undefined;
  /** A peer at its defaults asks so slowly that only its streams are of interest in most measurements. */
  readonly only?: "calls";
}

/** Opens every way that can be measured here. */
export async function openPaths(
  stack: AsyncDisposableStack,
  wanted: {
    readonly ground: Ground;
    readonly programs: Programs;
    readonly binDir: string;
    readonly socket: string;
    readonly directPort: number;
    /** The original's executable, if there is one. */
    readonly peer: string | undefined;
  },
): Promise<Path[]> {
  const { ground, programs, binDir, socket, directPort } = wanted;
  const start = async (name: string, file: string, more: readonly string[] = []): Promise<Path> => {
    const ports = { grpc: await freePort(), http: await freePort() };
    const program = programs.start(file, [...sidecarArguments(ground, socket, ports), ...more]);
    stack.defer(() => program.stop());
    await untilServing(program, ports, ground.caPem);
    return { name, port: ports.grpc, pid: program.pid };
  };
  const paths: Path[] = [{ name: "without sidecar", port: directPort, pid: undefined }];
  paths.push(await start("sidecar", join(binDir, "csi-snapshot-metadata")));
  const proxy = stack.use(Worker.start(new URL("decoding-proxy.ts", import.meta.url)));
  const { cert, key } = ground.files;
  const job: ProxyJob = { socket, cert, key };
  paths.push({ name: "decoding proxy", port: await proxy.ask<number>(job), pid: proxy.pid });
  const { peer } = wanted;
  if (peer === undefined) return paths;
  const lifted = ["--kube-api-qps=10000", "--kube-api-burst=10000"];
  paths.push({ ...(await start("Go peer, default flags", peer)), only: "calls" });
  paths.push(await start("Go peer, API rate limits lifted", peer, lifted));
  return paths;
}

/** The original's executable, where a folder with peers is named; rejects when the folder is named in vain. */
export async function findPeer(folder: string | undefined): Promise<string | undefined> {
  if (folder === undefined || folder === "") return undefined;
  const file = join(folder, "csi-snapshot-metadata");
  await access(file, constants.X_OK);
  return file;
}
