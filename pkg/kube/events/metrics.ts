import { counter, type MetricFamily, type Registry } from "../../runtime/metrics/index.ts";

const events = {
  type: "counter",
  name: "dp_events_total",
  help: "Kubernetes events by what became of them: written, limited (too many for one object), dropped (could not be written).",
  labels: ["result"],
} as const satisfies MetricFamily;

/** Metrics of the event recorder, for the reference page. */
export const eventMetrics: readonly MetricFamily[] = [events];

export interface EventMeter {
  counted(result: "written" | "limited" | "dropped"): void;
}

/** Counts events; without a registry it counts nothing. */
export function eventMeter(registry: Registry | undefined): EventMeter {
  const total = registry && counter(registry, events);
  return { counted: (result) => total?.inc({ result }) };
}
