import { counter, gauge, type MetricFamily, type Registry } from "../../runtime/metrics/index.ts";

const families = {
  staleness: {
    type: "gauge",
    name: "dp_kube_cache_staleness_seconds",
    help: "Seconds since a watch cache was last known to be current (list, event or bookmark).",
    labels: ["resource"],
  },
  objects: {
    type: "gauge",
    name: "dp_kube_cache_objects",
    help: "Objects in a watch cache.",
    labels: ["resource"],
  },
  lists: {
    type: "counter",
    name: "dp_kube_cache_lists_total",
    help: "Complete lists read by a watch cache.",
    labels: ["resource"],
  },
  watches: {
    type: "counter",
    name: "dp_kube_cache_watches_total",
    help: "Watches of a watch cache by how they ended.",
    labels: ["resource", "result"],
  },
} as const satisfies Record<string, MetricFamily>;

/** Metrics of the watch caches, for the reference page. */
export const cacheMetrics: readonly MetricFamily[] = Object.values(families);

export type WatchResult = "ended" | "expired" | "broken" | "refused";

export interface CacheMeter {
  listed(): void;
  watched(result: WatchResult): void;
  /** Stops telling of this cache's size and age. */
  remove(): void;
}

export interface Measured {
  readonly resource: string;
  size(): number;
  stalenessMs(): number;
}

/** Caches that are told of, per registry: two of one resource (namespaces, selectors) add up. */
const measured = new WeakMap<Registry, Set<Measured>>();

/** Counts a cache's lists and watches, and tells its size and age whenever the metrics are read. */
export function cacheMeter(registry: Registry | undefined, cache: Measured): CacheMeter {
  if (registry === undefined) return { listed: () => undefined, watched: () => undefined, remove: () => undefined };
  const caches = measuredIn(registry);
  caches.add(cache);
  const lists = counter(registry, families.lists);
  const watches = counter(registry, families.watches);
  const { resource } = cache;
  return {
    listed: () => lists.inc({ resource }),
    watched: (result) => watches.inc({ resource, result }),
    remove: () => caches.delete(cache),
  };
}

function measuredIn(registry: Registry): Set<Measured> {
  const known = measured.get(registry);
  if (known) return known;
  const caches = new Set<Measured>();
  measured.set(registry, caches);
  gauge(registry, families.staleness, (each) => {
    each.reset();
    for (const [resource, group] of byResource(caches)) {
      const oldest = Math.max(...group.map((cache) => cache.stalenessMs())) / 1000;
      // Never listed: a number that any alert takes for too old, since +Inf spoils sums.
      each.set({ resource }, Number.isFinite(oldest) ? oldest : 1e9);
    }
  });
  gauge(registry, families.objects, (each) => {
    each.reset();
    for (const [resource, group] of byResource(caches)) {
      each.set(
        { resource },
        group.reduce((sum, cache) => sum + cache.size(), 0),
      );
    }
  });
  return caches;
}

const byResource = (caches: Iterable<Measured>): Map<string, Measured[]> =>
  Map.groupBy(caches, (each) => each.resource);
