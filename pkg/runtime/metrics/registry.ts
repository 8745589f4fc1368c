import { readdirSync, readFileSync } from "node:fs";
import { Counter, Registry } from "prom-client";
import { gauge, type MetricFamily } from "./families.ts";

interface ProcessMetric extends MetricFamily {
  /** The value now; undefined where the system does not tell. */
  read(): number | undefined;
}

function value(name: string, help: string, read: () => number | undefined): ProcessMetric {
  return { name, help, labels: [], type: "gauge", read };
}

/** What every process tells about itself, under the names that Prometheus' own clients use. */
const metrics: readonly ProcessMetric[] = [
  value("process_start_time_seconds", "Start time of the process since unix epoch in seconds", startTimeSeconds),
  {
    ...value("process_cpu_seconds_total", "Total user and system CPU time spent in seconds", cpuSeconds),
    type: "counter",
  },
  value("process_resident_memory_bytes", "Resident memory size in bytes", () => process.memoryUsage.rss()),
  value("process_open_fds", "Number of open file descriptors", openFiles),
  value("process_max_fds", "Maximum number of open file descriptors", fileLimit),
  value("nodejs_heap_size_used_bytes", "Heap in use in bytes", () => process.memoryUsage().heapUsed),
  value("nodejs_eventloop_utilization", "Part of the process' life in which its event loop was busy, 0 to 1", busyPart),
];

/** {@link metrics} for the reference page. */
export const processMetrics: readonly MetricFamily[] = metrics;

/** A registry that already holds the metrics of the process. */
export function createRegistry(): Registry {
  const registry = new Registry();
  for (const metric of metrics) {
    if (metric.type === "counter") registerCounter(registry, metric);
    else {
      gauge(registry, metric, (each) => {
        const now = metric.read();
        if (now !== undefined) each.set(now);
      });
    }
  }
  return registry;
}

function registerCounter(registry: Registry, { name, help, read }: ProcessMetric): void {
  new Counter({
    name,
    help,
    registers: [registry],
    collect() {
      this.reset();
      this.inc(read() ?? 0);
    },
  });
}

function startTimeSeconds(): number {
  return performance.timeOrigin / 1000;
}

function cpuSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

function busyPart(): number {
  return performance.eventLoopUtilization().utilization;
}

function openFiles(): number | undefined {
  try {
    return readdirSync("/proc/self/fd").length;
  } catch {
    return undefined; // only Linux has it
  }
}

function fileLimit(): number | undefined {
  try {
    const [, soft] = /^Max open files\s+(\d+)/m.exec(readFileSync("/proc/self/limits", "utf8")) ?? [];
    return soft === undefined ? undefined : Number(soft);
  } catch {
    return undefined;
  }
}
