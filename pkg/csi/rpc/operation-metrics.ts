import { type Histogram, histogram, type MetricFamily, type Registry } from "../../runtime/metrics/index.ts";
import { goCodeName } from "../classify/codes.ts";

const labels = ["driver_name", "method_name", "grpc_status_code"] as const;

/** The histogram that every CSI sidecar has: same name, labels and buckets as csi-lib-utils. */
export const driverOperations = {
  type: "histogram",
  name: "csi_sidecar_operations_seconds",
  help: "Duration of calls to the CSI driver, in seconds, by gRPC status code",
  labels,
  buckets: [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 15, 25, 50, 120, 300, 600],
} as const satisfies MetricFamily;

/** The same with the label that external-provisioner adds. */
export const migratableDriverOperations = {
  ...driverOperations,
  labels: [...labels, "migrated"],
} as const satisfies MetricFamily;

/** One call to the driver that has ended. */
export interface Operation {
  readonly driverName: string;
  /** Full gRPC path. */
  readonly method: string;
  readonly code: number;
  readonly seconds: number;
  readonly migrated: boolean;
}

/** Records one ended call. */
export type RecordOperation = (operation: Operation) => void;

/** Registers the histogram; `withMigrated` adds the `migrated` label. */
export function operationRecorder(registry: Registry, withMigrated: boolean): RecordOperation {
  const family: Histogram = histogram<string>(registry, withMigrated ? migratableDriverOperations : driverOperations);
  return ({ driverName, method, code, seconds, migrated }) => {
    const known = { driver_name: driverName, method_name: method, grpc_status_code: goCodeName(code) };
    family.observe(withMigrated ? { ...known, migrated: String(migrated) } : known, seconds);
  };
}
