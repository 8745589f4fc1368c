import { counter, histogram, type MetricFamily, type Registry } from "../../runtime/metrics/index.ts";

const families = {
  results: {
    type: "counter",
    name: "dp_reconciles_total",
    help: "Reconciles by how they ended: done, requeue, conflict, terminal, waiting, transient, aborted.",
    labels: ["controller", "result"],
  },
  duration: {
    type: "histogram",
    name: "dp_reconcile_duration_seconds",
    help: "How long one reconcile took.",
    labels: ["controller"],
    buckets: [0.005, 0.025, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300],
  },
} as const satisfies Record<string, MetricFamily>;

/** Metrics of the controller loop, for the reference page. */
export const controllerMetrics: readonly MetricFamily[] = Object.values(families);

export interface ControllerMeter {
  reconciled(result: string, durationMs: number): void;
}

/** Counts reconciles of one controller; without a registry it counts nothing. */
export function controllerMeter(registry: Registry | undefined, controller: string): ControllerMeter {
  if (registry === undefined) return { reconciled: () => undefined };
  const results = counter(registry, families.results);
  const duration = histogram(registry, families.duration);
  return {
    reconciled: (result, durationMs) => {
      results.inc({ controller, result });
      duration.observe({ controller }, durationMs / 1000);
    },
  };
}
