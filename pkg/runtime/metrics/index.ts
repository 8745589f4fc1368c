export type { Counter, Gauge, Histogram, Registry } from "prom-client";
export { counter, gauge, histogram, type MetricFamily, type MetricSpec } from "./families.ts";
export { type MetricsPageProgram, renderMetricsPage } from "./metrics-page.ts";
export { createRegistry, processMetrics } from "./registry.ts";
