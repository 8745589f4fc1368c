import type { Logger } from "pino";
import type { Registry } from "prom-client";
import { Failure } from "../../runtime/errors/index.ts";
import type { Clock } from "../../runtime/timing/index.ts";
import type { DriverConnection } from "./driver-connection.ts";

/** What `connectDriver` needs. */
export interface ConnectOptions {
  /** Absolute path of the driver's socket, or a `unix://` URL. */
  readonly address: string;
  readonly log: Logger;
  /** Where csi_sidecar_operations_seconds is kept; no metrics when absent. */
  readonly metrics?: Registry;
  /** Adds the `migrated` label, as external-provisioner has it. */
  readonly migratedLabel?: boolean;
  /** Default deadline of a unary call, milliseconds; one minute when absent. */
  readonly timeoutMs?: number;
  /** Largest message taken from the driver, bytes; 64 MiB when absent. */
  readonly maxReceiveBytes?: number;
  readonly clock?: Clock;
}

/** Connects to a CSI driver. Returns at once; see `waitReady`. Throws a terminal Failure for a wrong address. */
export function connectDriver(options: ConnectOptions): DriverConnection {
  throw new Failure("terminal", "NotYet", options.address);
}
