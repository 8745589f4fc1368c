/** The ways from the source to the caller that are compared. */
import { constants } from "node:fs";
import { access, readdir } from "node:fs/promises";
import { basename, join } from "node:path";
import type { Ground } from "../ground.ts";
import { freePort } from "../measure/ports.ts";
import type { Programs } from "../measure/programs.ts";
import { Worker } from "../measure/worker.ts";
import { sidecarArguments, untilServing } from "../startup/serving.ts";
import type { ProxyJob } from "./decoding-proxy.ts";

/** An executable whose name begins so is the original, of whatever version. */
const original = "csi-snapshot-metadata";

/** One way: where to call, and the process that stands in it, if any. */
export interface Path {
  readonly name: string;
  readonly port: number;
  readonly pid: number | undefined;
  /** A peer at its defaults asks so slowly that only its streams are of interest in most measurements. */
  readonly only?: "calls";
  /** The original, at its best. */
  readonly peer?: boolean;
}

/** Our sidecar, without and with a look at what the driver sends; the second is the default. */
export const sidecars = { off: "sidecar, off", strict: "sidecar, strict" } as const;

export const decodingProxy = "decoding proxy";

/** Opens every way that can be measured here. */
export async function openPaths(
  stack: AsyncDisposableStack,
  wanted: {
    readonly ground: Ground;
    readonly programs: Programs;
    readonly binDir: string;
    readonly socket: string;
    readonly directPort: number;
    /** The original's executables that are at hand. */
    readonly peers: readonly string[];
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
  const ours = join(binDir, "csi-snapshot-metadata");
  const paths: Path[] = [{ name: "without sidecar", port: directPort, pid: undefined }];
  paths.push(await start(sidecars.off, ours, ["--stream-validation=off"]));
  paths.push(await start(sidecars.strict, ours));
  const proxy = stack.use(Worker.start(new URL("decoding-proxy.ts", import.meta.url)));
  const { cert, key } = ground.files;
  const job: ProxyJob = { socket, cert, key };
  paths.push({ name: decodingProxy, port: await proxy.ask<number>(job), pid: proxy.pid });
  for (const peer of wanted.peers) {
    const lifted = ["--kube-api-qps=10000", "--kube-api-burst=10000"];
    paths.push({ ...(await start(`${basename(peer)}, default flags`, peer)), only: "calls" });
    paths.push({ ...(await start(`${basename(peer)}, API rate limits lifted`, peer, lifted)), peer: true });
  }
  return paths;
}

/** The original's executables, where a folder with peers is named; rejects when the folder is named in vain. */
export async function findPeers(folder: string | undefined): Promise<string[]> {
  if (folder === undefined || folder === "") return [];
  const names = (await readdir(folder)).filter((name) => name.startsWith(original)).sort();
  if (names.length === 0)
    throw new Error(`PEERS_DIR=${folder}: no ${original} in it; expected the original's executable`);
  const files = names.map((name) => join(folder, name));
  for (const file of files) await access(file, constants.X_OK);
  return files;
}
