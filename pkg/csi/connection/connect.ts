import { type ChannelOptions, Client, credentials } from "@grpc/grpc-js";
import { Failure } from "../../runtime/errors/index.ts";
import type { Logger } from "../../runtime/log/index.ts";
import type { Registry } from "../../runtime/metrics/index.ts";
import { type Clock, systemClock } from "../../runtime/timing/index.ts";
import {
  controllerCapabilities,
  groupControllerCapabilities,
  pluginCapabilities,
  pluginInfo,
  probe,
} from "../identity/identity.ts";
import { waitReady } from "../identity/wait-ready.ts";
import { byteStreams } from "../rpc/byte-stream.ts";
import { operationRecorder } from "../rpc/operation-metrics.ts";
import { openRawStream } from "../rpc/raw-stream.ts";
import { callUnary, type UnaryDeps } from "../rpc/unary.ts";
import { parseSocketAddress } from "./address.ts";
import type { DriverConnection } from "./driver-connection.ts";
import { StateWatch } from "./state-watch.ts";

const mebibyte = 1024 * 1024;

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
  const { log, clock = systemClock, timeoutMs = 60_000, metrics } = options;
  const { url, path: socketPath } = parseSocketAddress(options.address);
  const client = new Client(url, credentials.createInsecure(), channelOptions(options));
  const streams = byteStreams(socketPath);
  const watch = new StateWatch(client.getChannel());
  watch.listen((state) => {
    if (state === "ready") log.info({ address: url }, "connected to the CSI driver");
    if (state === "lost") log.warn({ address: url }, "connection to the CSI driver lost, reconnecting");
  });
  let driverName = "unknown-driver";
  const record = metrics === undefined ? undefined : operationRecorder(metrics, options.migratedLabel ?? false);
  const deps: UnaryDeps = { client, clock, timeoutMs, record, driverName: () => driverName };
  const open = <T>(use: () => T): T => {
    if (watch.state !== "closed") return use();
    throw new Failure("terminal", "ConnectionClosed", `the connection to the CSI driver at ${url} was closed`);
  };
  const connection: DriverConnection = {
    address: url,
    get state() {
      return watch.state;
    },
    get driverName() {
      return driverName;
    },
    onState: (listener) => watch.listen(listener),
    call: async (method, request, limits) => await open(() => callUnary(deps, method, request, limits)),
    openStream: (path, request, limits) => open(() => openRawStream(client, path, request, limits)),
    openBytes: (path, request, limits) => open(() => streams.open(path, request, limits)),
    probe: (limits) => probe(connection, limits),
    // The first probe goes out the moment the connection is there.
    waitReady: (limits) =>
      waitReady({ probe: (each) => probe(connection, { ...each, waitForReady: true }), clock, log }, limits),
    async pluginInfo(limits) {
      const info = await pluginInfo(connection, limits);
      driverName = info.name;
      return info;
    },
    pluginCapabilities: (limits) => pluginCapabilities(connection, limits),
    controllerCapabilities: (limits) => controllerCapabilities(connection, limits),
    groupControllerCapabilities: (limits) => groupControllerCapabilities(connection, limits),
    async close() {
      watch.close();
      streams.close();
      client.close();
    },
    [Symbol.asyncDispose]: () => connection.close(),
  };
  return connection;
}

function channelOptions({ maxReceiveBytes = 64 * mebibyte }: ConnectOptions): ChannelOptions {
  return {
    "grpc.max_receive_message_length": maxReceiveBytes,
    "grpc-node.flow_control_window": mebibyte,
    "grpc.initial_reconnect_backoff_ms": 100,
    "grpc.max_reconnect_backoff_ms": 1000,
    // Nothing is shared between two connections to one driver, and no proxy or name service is asked about a socket.
    "grpc.use_local_subchannel_pool": 1,
    "grpc.enable_http_proxy": 0,
    "grpc.service_config_disable_resolution": 1,
    // A quiet driver is not a lost one; the longest timer there is stands for never.
    "grpc.client_idle_timeout_ms": 2 ** 31 - 1,
  };
}
