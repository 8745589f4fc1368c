/** How a metadata stream breaks its contract, from a given message on. */
export const corruptions = [
  "wrong-order",
  "overlap",
  "wrong-type",
  "capacity-change",
  "zero-size",
  "beyond-capacity",
  "drop-tuple",
] as const;

export type Corruption = (typeof corruptions)[number];

/** What goes wrong in one RPC. Everything is optional and combines. */
export interface Fault {
  /** Wait before answering, milliseconds. */
  readonly delayMs?: number;
  /** Never answer; the call ends by its deadline, its cancellation or the driver's stop. */
  readonly hang?: boolean;
  /** Fail with this gRPC code, by name: "UNAVAILABLE". */
  readonly code?: string;
  /** Message for `code`. */
  readonly message?: string;
  /** Streams: apply `code`, `hang` or `dropConnection` only after this many messages. */
  readonly afterMessages?: number;
  /** Cut every connection without an answer. */
  readonly dropConnection?: boolean;
  /** Streams: break the contract. */
  readonly corrupt?: Corruption;
  /** Streams: index of the tuple, counted from 0 over the whole stream, where `corrupt` begins. Default 1. */
  readonly atTuple?: number;
  /** Affects only the first calls after the plan was set; all when absent. */
  readonly times?: number;
}

/** Faults by RPC name, such as "CreateSnapshot" or "GetMetadataDelta". `"*"` is for every RPC without its own. */
export type FaultPlan = Readonly<Record<string, Fault>>;
