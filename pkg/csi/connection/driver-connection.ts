import type { ClientReadableStream, Metadata } from "@grpc/grpc-js";
import type {
  ControllerServiceCapability_RPC_Type,
  GroupControllerServiceCapability_RPC_Type,
  PluginCapability_Service_Type,
  PluginCapability_VolumeExpansion_Type,
} from "../../gen/csi/v1/csi.ts";
import type { ByteStream, ByteStreamOptions } from "../rpc/byte-stream.ts";

/**
 * - `connecting`: no connection since the start.
 * - `ready`: connected.
 * - `lost`: was ready; reconnecting with a backoff of at most one second.
 * - `closed`: given up by `close()`.
 */
export type DriverState = "connecting" | "ready" | "lost" | "closed";

/** Limits of one call. */
export interface CallOptions {
  /** Milliseconds until DEADLINE_EXCEEDED; the connection's `timeoutMs` when absent. */
  readonly timeoutMs?: number;
  /** Aborting cancels the call in the driver. */
  readonly signal?: AbortSignal;
  /** Wait for the driver to come back, within the deadline, rather than fail with UNAVAILABLE at once. */
  readonly waitForReady?: boolean;
  /** Values to remove from the driver's message, beside the request's own `csi_secret` fields. */
  readonly secrets?: Iterable<string>;
  /** Value of the `migrated` label, where the metric has one. */
  readonly migrated?: boolean;
}

/** A unary method as `pkg/gen` describes it, for instance `ControllerService.createVolume`. */
export interface UnaryMethod<Request, Response> {
  readonly path: string;
  readonly requestStream: false;
  readonly responseStream: false;
  readonly requestSerialize: (value: Request) => Buffer;
  readonly responseDeserialize: (value: Buffer) => Response;
}

/** Limits of one raw stream. */
export interface StreamOptions {
  /** Absolute, milliseconds since the epoch; none when absent. */
  readonly deadline?: number;
  /** Aborting cancels the stream in the driver. */
  readonly signal?: AbortSignal;
  readonly metadata?: Metadata;
  /** As for unary calls. */
  readonly waitForReady?: boolean;
}

/** Answer of GetPluginInfo; `name` is never empty. */
export interface PluginInfo {
  readonly name: string;
  readonly vendorVersion: string;
  readonly manifest: Readonly<Record<string, string>>;
}

/** Answer of GetPluginCapabilities. */
export interface PluginCapabilities {
  readonly services: ReadonlySet<PluginCapability_Service_Type>;
  readonly volumeExpansion: ReadonlySet<PluginCapability_VolumeExpansion_Type>;
}

/** How long and how often to ask whether the driver is ready. */
export interface ReadyOptions {
  /** Milliseconds between two Probe calls; one second when absent. */
  readonly intervalMs?: number;
  /** Milliseconds for one Probe call; the connection's `timeoutMs` when absent. */
  readonly probeTimeoutMs?: number;
  readonly signal?: AbortSignal;
}

/**
 * A connection to one CSI driver. It reconnects by itself, for as long as it is not closed. Every method that calls
 * the driver rejects with a DriverFailure (or a Failure, when the driver was never reached).
 */
export interface DriverConnection extends AsyncDisposable {
  /** `unix:///…` */
  readonly address: string;
  readonly state: DriverState;
  /** Tells the present state at once, then every change; returns the function that ends it. */
  onState(listener: (state: DriverState) => void): () => void;
  /** Name used in metrics; set by `pluginInfo`, `unknown-driver` until then. */
  readonly driverName: string;
  call<Request, Response>(
    method: UnaryMethod<Request, Response>,
    request: Request,
    options?: CallOptions,
  ): Promise<Response>;
  /**
   * Opens a server-streaming method without encoding or decoding: `path` is the full gRPC path, buffers are encoded
   * messages. Pause, resume, cancel and status are grpc-js's own; the receive limit is the connection's.
   */
  openStream(path: string, request: Buffer, options?: StreamOptions): ClientReadableStream<Buffer>;
  /**
   * Opens a server-streaming method on a connection of its own, for a program that passes bytes on faster than messages
   * can be handed over one by one. `path` and `request` are as for {@link openStream}; not counted in any metric.
   */
  openBytes(path: string, request: Uint8Array, options?: ByteStreamOptions): ByteStream;
  /** One Probe call; an absent `ready` in the answer counts as ready. */
  probe(options?: CallOptions): Promise<boolean>;
  /** Probes until the driver is ready. Not ready, UNAVAILABLE and DEADLINE_EXCEEDED are waited out; others reject. */
  waitReady(options?: ReadyOptions): Promise<void>;
  /** GetPluginInfo; an empty name rejects. */
  pluginInfo(options?: CallOptions): Promise<PluginInfo>;
  pluginCapabilities(options?: CallOptions): Promise<PluginCapabilities>;
  controllerCapabilities(options?: CallOptions): Promise<ReadonlySet<ControllerServiceCapability_RPC_Type>>;
  groupControllerCapabilities(options?: CallOptions): Promise<ReadonlySet<GroupControllerServiceCapability_RPC_Type>>;
  close(): Promise<void>;
}
