import type { Logger } from "pino";
import { Failure } from "../../runtime/errors/index.ts";
import type { FaultPlan } from "./faults/fault-plan.ts";

/** Kinds of tuples that GetMetadataAllocated and GetMetadataDelta answer with. */
export type BlockType = "FIXED_LENGTH" | "VARIABLE_LENGTH";

/** How to start a driver. */
export interface DevDriverOptions {
  /** Absolute path of the socket, or a `unix://` URL. A stale socket is removed; a live one is an error. */
  readonly endpoint: string;
  /** Folder of all records and data; made when missing. */
  readonly stateDir: string;
  /** Default `dev.csi-data-protection.io`. */
  readonly driverName?: string;
  /** Bytes, a power of two of at least 512; capacities are rounded up to it. Default 4096. */
  readonly blockSize?: number;
  /** Default FIXED_LENGTH. */
  readonly blockType?: BlockType;
  /** Largest volume in bytes; larger requests are OUT_OF_RANGE. Default 16 TiB. */
  readonly maxVolumeBytes?: bigint;
  /** Calls whose secrets lack this pair fail with UNAUTHENTICATED. */
  readonly requireSecret?: { readonly name: string; readonly value: string };
  /** Faults at the start; afterwards `setFaults`, or the file `faults.json` in the state folder. */
  readonly failPlan?: FaultPlan;
  readonly log?: Logger;
}

/** A driver that serves. */
export interface DevDriver extends AsyncDisposable {
  /** `unix:///…` */
  readonly endpoint: string;
  readonly driverName: string;
  readonly stateDir: string;
  /** Replaces all faults, at once and for calls to come; `{}` heals everything. */
  setFaults(plan: FaultPlan): Promise<void>;
  /** Ends calls within a second, then everything. The socket is gone afterwards. */
  close(): Promise<void>;
}

/** Starts the reference driver and resolves when it serves. Rejects with a Failure that says what is wrong. */
export async function startDevDriver(options: DevDriverOptions): Promise<DevDriver> {
  throw new Failure("terminal", "NotYet", options.endpoint);
}
