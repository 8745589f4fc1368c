import { counter, gauge, histogram, type MetricFamily, type Registry } from "../../runtime/metrics/index.ts";

/** client-go's: from 10 nanoseconds to 10 seconds. */
const buckets = [1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 0.01, 0.1, 1, 10];

const families = {
  depth: {
    type: "gauge",
    name: "workqueue_depth",
    help: "Current depth of workqueue",
    labels: ["name"],
  },
  adds: {
    type: "counter",
    name: "workqueue_adds_total",
    help: "Total number of adds handled by workqueue",
    labels: ["name"],
  },
  queueDuration: {
    type: "histogram",
    name: "workqueue_queue_duration_seconds",
    help: "How long in seconds an item stays in workqueue before being requested.",
    labels: ["name"],
    buckets,
  },
  workDuration: {
    type: "histogram",
    name: "workqueue_work_duration_seconds",
    help: "How long in seconds processing an item from workqueue takes.",
    labels: ["name"],
    buckets,
  },
  unfinished: {
    type: "gauge",
    name: "workqueue_unfinished_work_seconds",
    help: "Seconds of work that is in progress and not yet observed by work_duration; it grows while workers are stuck.",
    labels: ["name"],
  },
  longest: {
    type: "gauge",
    name: "workqueue_longest_running_processor_seconds",
    help: "How many seconds has the longest running processor for workqueue been running.",
    labels: ["name"],
  },
  retries: {
    type: "counter",
    name: "workqueue_retries_total",
    help: "Total number of retries handled by workqueue",
    labels: ["name"],
  },
} as const satisfies Record<string, MetricFamily>;

/** client-go's metrics of work queues, for the reference page. */
export const queueMetrics: readonly MetricFamily[] = Object.values(families);

/** What is read from a queue whenever the metrics are. */
export interface MeasuredQueue {
  /** Keys waiting, also those that wait for the end of their own processing. */
  waiting(): number;
  /** Seconds that each key in work has been so. */
  running(): readonly number[];
}

export interface QueueMeter {
  added(): void;
  retried(): void;
  taken(waitedSeconds: number): void;
  done(workedSeconds: number): void;
}

/** Queues by name, per registry: gauges are read from all of them at once. */
const measured = new WeakMap<Registry, Map<string, MeasuredQueue>>();

/** Counts under client-go's names; without a registry it counts nothing. */
export function queueMeter(registry: Registry | undefined, name: string, queue: MeasuredQueue): QueueMeter {
  if (registry === undefined) {
    const nothing = (): void => undefined;
    return { added: nothing, retried: nothing, taken: nothing, done: nothing };
  }
  queuesIn(registry).set(name, queue);
  const adds = counter(registry, families.adds);
  const retries = counter(registry, families.retries);
  const queueDuration = histogram(registry, families.queueDuration);
  const workDuration = histogram(registry, families.workDuration);
  // An alert on a rate needs the series before the first event.
  adds.inc({ name }, 0);
  retries.inc({ name }, 0);
  return {
    added: () => adds.inc({ name }),
    retried: () => retries.inc({ name }),
    taken: (seconds) => queueDuration.observe({ name }, seconds),
    done: (seconds) => workDuration.observe({ name }, seconds),
  };
}

function queuesIn(registry: Registry): Map<string, MeasuredQueue> {
  const known = measured.get(registry);
  if (known) return known;
  const queues = new Map<string, MeasuredQueue>();
  measured.set(registry, queues);
  gauge(registry, families.depth, (each) => {
    for (const [name, queue] of queues) each.set({ name }, queue.waiting());
  });
  gauge(registry, families.unfinished, (each) => {
    for (const [name, queue] of queues) {
      each.set(
        { name },
        queue.running().reduce((sum, seconds) => sum + seconds, 0),
      );
    }
  });
  gauge(registry, families.longest, (each) => {
    for (const [name, queue] of queues) each.set({ name }, Math.max(0, ...queue.running()));
  });
  return queues;
}
