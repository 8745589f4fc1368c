import { status } from "@grpc/grpc-js";
import * as z from "zod";

/** How a metadata stream breaks its contract. `atTuple` says where. */
export const corruptions = [
  "wrong-order",
  "overlap",
  "wrong-type",
  "capacity-change",
  "zero-size",
  "beyond-capacity",
  "before-start",
  "drop-tuple",
] as const;

export type Corruption = (typeof corruptions)[number];

const codeNames = Object.keys(status).filter((key) => key !== "OK" && Number.isNaN(Number(key)));

/** What goes wrong in one RPC. Everything is optional and combines. */
export const Fault = z.strictObject({
  /** Wait before the work, milliseconds. */
  delayMs: z.int().min(0).max(3_600_000).optional(),
  /** Never answer; the call ends by its deadline, its cancellation or the driver's stop. */
  hang: z.boolean().optional(),
  /** Fail with this gRPC code, by name: "UNAVAILABLE". */
  code: z.enum(codeNames).optional(),
  /** Message for `code`. */
  message: z.string().optional(),
  /** Cut every connection of the driver instead of answering. */
  dropConnection: z.boolean().optional(),
  /** Unary calls: do the work first, then hang, fail or drop, so that only the answer is lost. */
  afterWork: z.boolean().optional(),
  /** Streams: hang, fail or drop only after this many messages. */
  afterMessages: z.int().min(0).optional(),
  /** Probe says not ready; snapshots are listed as not ready to use. */
  notReady: z.boolean().optional(),
  /** Streams: break the contract. */
  corrupt: z.enum(corruptions).optional(),
  /** Streams: the tuple at which `corrupt` begins, counted from 0 over the whole stream. Default 1. */
  atTuple: z.int().min(0).optional(),
  /** Only the first calls after the plan was set are affected; all when absent. */
  times: z.int().min(1).optional(),
});
export type Fault = Readonly<z.output<typeof Fault>>;

/** Names of the RPCs that can go wrong. */
export const faultyRpcs = [
  "*",
  "GetPluginInfo",
  "GetPluginCapabilities",
  "Probe",
  "CreateVolume",
  "DeleteVolume",
  "ListVolumes",
  "ControllerGetVolume",
  "ValidateVolumeCapabilities",
  "GetCapacity",
  "ControllerGetCapabilities",
  "ControllerExpandVolume",
  "CreateSnapshot",
  "DeleteSnapshot",
  "ListSnapshots",
  "GetSnapshot",
  "GetMetadataAllocated",
  "GetMetadataDelta",
] as const;

export type RpcName = Exclude<(typeof faultyRpcs)[number], "*">;

/** Faults by RPC name, such as "CreateSnapshot" or "GetMetadataDelta". `"*"` is for every RPC without its own. */
export const FaultPlan = z.partialRecord(z.enum(faultyRpcs), Fault);
export type FaultPlan = Readonly<z.output<typeof FaultPlan>>;
