import type { status } from "@grpc/grpc-js";
import { goCodeName } from "../../csi/index.ts";
import { counter, histogram, type MetricFamily, type Registry } from "../../runtime/metrics/index.ts";
import type { MetadataMethod, MetadataRequest } from "./methods.ts";
import type { StreamRule } from "./stream/scan.ts";

/** One finished call. */
export interface FinishedCall {
  readonly method: MetadataMethod;
  /** Absent when the call was refused before its request was understood and its caller known. */
  readonly request: MetadataRequest | undefined;
  readonly code: status;
  readonly durationMs: number;
}

export interface MetadataMetrics {
  observe(call: FinishedCall): void;
  /** A message of the driver that broke a rule, or is past the capacity; and what was done with it. */
  broken(rule: StreamRule | "past_capacity", action: "ended" | "forwarded"): void;
  /** A complete stream of allocated blocks, from offset zero, without any. */
  empty(): void;
}

export interface MetadataMetricsOptions {
  readonly registry: Registry;
  readonly driverName: () => string;
  /** Whether the labels that name snapshots are filled: one series for each pair of snapshots. */
  readonly snapshotLabels: boolean;
}

/** Name, labels and buckets are those of external-snapshot-metadata 1.1.0. */
const OPERATIONS = {
  type: "histogram",
  name: "snapshot_metadata_controller_operations_seconds",
  help:
    "Duration of calls to the SnapshotMetadata service, with the gRPC code they ended with; " +
    "the snapshot labels are empty without --metrics-snapshot-labels",
  labels: ["driver_name", "method_name", "grpc_status_code", "target_snapshot", "base_snapshot"],
  buckets: [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 15, 25, 50, 120, 300, 600],
} as const;

const BROKEN = {
  type: "counter",
  name: "snapshot_metadata_stream_violations_total",
  help:
    "Messages of the driver that break a rule of their stream, by what was done; rule past_capacity is a warning, for a " +
    "message whose last range ends past the volume's capacity",
  labels: ["driver_name", "rule", "action"],
} as const;

const EMPTY = {
  type: "counter",
  name: "snapshot_metadata_empty_allocated_streams_total",
  help: "Complete streams of allocated blocks from offset 0 without a block: an empty volume, or a driver that can not tell",
  labels: ["driver_name"],
} as const;

/** The families that the server registers itself. */
export const serverMetrics: readonly MetricFamily[] = [OPERATIONS, BROKEN, EMPTY];

export function metadataMetrics({ registry, driverName, snapshotLabels }: MetadataMetricsOptions): MetadataMetrics {
  const seconds = histogram(registry, OPERATIONS);
  const violations = counter(registry, BROKEN);
  const emptyStreams = counter(registry, EMPTY);
  return {
    broken: (rule, action) => violations.inc({ driver_name: driverName(), rule, action }),
    empty: () => emptyStreams.inc({ driver_name: driverName() }),
    observe: ({ method, request, code, durationMs }) => {
      const shown = snapshotLabels ? request : undefined;
      const labels = {
        driver_name: driverName(),
        method_name: method.metricName,
        grpc_status_code: goCodeName(code),
        target_snapshot: shown ? `${shown.namespace}/${shown.snapshotName}` : "",
        base_snapshot: shown?.baseSnapshotId ?? "",
      };
      seconds.observe(labels, durationMs / 1000);
    },
  };
}
