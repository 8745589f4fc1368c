import { mkdir } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { Server } from "@grpc/grpc-js";
import { parseSocketAddress } from "../../csi/index.ts";
import { Failure } from "../../runtime/errors/index.ts";
import type { FailpointPlan } from "../../runtime/failpoints/index.ts";
import { type Logger, silentLogger } from "../../runtime/log/index.ts";
import { type Clock, systemClock } from "../../runtime/timing/index.ts";
import { Copier } from "./blocks/copier.ts";
import type { BlockType } from "./blocks/tuples.ts";
import { type Endpoint, openEndpoint } from "./endpoint.ts";
import type { FaultPlan } from "./faults/fault-plan.ts";
import { Faults } from "./faults/faults.ts";
import { Handlers } from "./rpc/handlers.ts";
import { KeyLock } from "./rpc/key-lock.ts";
import { Refusal } from "./rpc/refusal.ts";
import { addServices } from "./services.ts";
import { driverFailpoints } from "./store/failpoints.ts";
import { openStore } from "./store/store.ts";

/** Calls still under way when the driver stops get this long, milliseconds. */
const drainMs = 1000;

/** How to start a driver. */
export interface DevDriverOptions {
  /** Absolute path of the socket, or a `unix://` URL. A stale socket is removed; a live one is an error. */
  readonly endpoint: string;
  /** Folder of all records and data; made when missing. One driver at a time. */
  readonly stateDir: string;
  /** Default `dev.csi-data-protection.io`. */
  readonly driverName?: string;
  /** Bytes, a power of two from 512 to 16 MiB; capacities are rounded up to it. Default 4096. */
  readonly blockSize?: number;
  /** Default FIXED_LENGTH. */
  readonly blockType?: BlockType;
  /** Largest volume in bytes, below 2^53; larger requests are OUT_OF_RANGE. Default 16 TiB. */
  readonly maxVolumeBytes?: bigint;
  /** Calls whose secrets lack this pair fail with UNAUTHENTICATED. */
  readonly requireSecret?: { readonly name: string; readonly value: string };
  /** Faults at the start; afterwards `setFaults`, or the file `faults.json` in the state folder, which also stays. */
  readonly failPlan?: FaultPlan;
  readonly log?: Logger;
  readonly clock?: Clock;
  /** Where a test kills the process. */
  readonly failpoints?: FailpointPlan;
}

/** A driver that serves. */
export interface DevDriver extends AsyncDisposable {
  /** `unix:///…` */
  readonly endpoint: string;
  readonly driverName: string;
  readonly stateDir: string;
  /** Replaces all faults, for calls to come; `{}` heals everything. */
  setFaults(plan: FaultPlan): Promise<void>;
  /** Ends calls within a second, then everything. The socket is gone afterwards. */
  close(): Promise<void>;
}

/** Starts the reference driver and resolves when it serves. Rejects with a Failure that says what is wrong. */
export async function startDevDriver(options: DevDriverOptions): Promise<DevDriver> {
  const address = parseSocketAddress(options.endpoint);
  const blockSize = checkBlockSize(options.blockSize ?? 4096);
  const maxVolumeBytes = checkMaximum(options.maxVolumeBytes ?? 1n << 44n);
  const stateDir = resolve(options.stateDir);
  const { driverName = "dev.csi-data-protection.io", log = silentLogger(), clock = systemClock } = options;
  const store = await openStore(stateDir, driverFailpoints.arm(options.failpoints));
  if (store.removed.length > 0) log.info({ files: store.removed }, "half-done work of the last run removed");
  const faults = new Faults(join(stateDir, "faults.json"));
  if (options.failPlan !== undefined) await faults.set(options.failPlan);

  const stop = new AbortController();
  const stopping = stop.signal;
  const server = new Server();
  const { requireSecret } = options;
  const shared = { store, clock, stateDir, blockSize, stopping };
  let endpoint: Endpoint | undefined;
  addServices(server, {
    driverName,
    controller: { ...shared, copier: new Copier(clock), locks: new KeyLock(), maxVolumeBytes },
    metadata: { ...shared, blockType: options.blockType ?? "FIXED_LENGTH" },
    handlers: new Handlers({
      ...{ faults, requireSecret, clock, log, stopping },
      dropConnections: () => endpoint?.dropConnections(),
    }),
  });
  await mkdir(dirname(address.path), { recursive: true });
  endpoint = await openEndpoint(server, address);
  const opened = endpoint;
  let closing: Promise<void> | undefined;
  const close = (): Promise<void> => {
    closing ??= shutDown(server, opened, stop);
    return closing;
  };
  return {
    endpoint: address.url,
    driverName,
    stateDir,
    setFaults: (plan) => faults.set(plan),
    close,
    [Symbol.asyncDispose]: close,
  };
}

async function shutDown(server: Server, endpoint: Endpoint, stop: AbortController): Promise<void> {
  await endpoint.stopListening();
  stop.abort(new Refusal("UNAVAILABLE", "the driver is stopping"));
  const drained = new Promise<void>((resolve) => server.tryShutdown(() => resolve()));
  const timer = setTimeout(() => {
    endpoint.dropConnections();
    server.forceShutdown();
  }, drainMs);
  await drained;
  clearTimeout(timer);
  endpoint.dropConnections();
}

function checkBlockSize(bytes: number): number {
  const valid =
    Number.isInteger(bytes) && bytes >= 512 && bytes <= 16 * 1024 * 1024 && Number.isInteger(Math.log2(bytes));
  if (valid) return bytes;
  throw new Failure(
    "terminal",
    "InvalidBlockSize",
    `block size ${bytes}: expected a power of two from 512 to 16777216`,
  );
}

/** Positions in files are numbers in Node; beyond 2^53 they would not be exact. */
function checkMaximum(bytes: bigint): bigint {
  if (bytes > 0n && bytes <= BigInt(Number.MAX_SAFE_INTEGER)) return bytes;
  throw new Failure("terminal", "InvalidMaximum", `largest volume ${bytes}: expected 1 to 2^53 - 1 bytes`);
}
