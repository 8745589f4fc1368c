import { Counter, Gauge, Histogram, type Metric, type Registry } from "prom-client";

/** One family of metrics, as data: registered by the functions below, listed on the reference page. */
export interface MetricSpec<L extends string = string> {
  /** Prometheus name, with its unit. */
  readonly name: string;
  readonly help: string;
  /** Labels; their values come from closed sets, never from objects' names. */
  readonly labels: readonly L[];
  /** Upper bounds, for histograms. */
  readonly buckets?: readonly number[];
}

/** A family with its type, as a component lists it. */
export interface MetricFamily extends MetricSpec {
  readonly type: "counter" | "gauge" | "histogram";
}

/** The counter of this name in the registry; made on first use, shared afterwards. */
export function counter<L extends string>(registry: Registry, spec: MetricSpec<L>): Counter<L> {
  return existing(registry, spec, Counter) ?? new Counter({ ...configOf(spec), registers: [registry] });
}

/** The gauge of this name in the registry. `collect` sets its values whenever the metrics are read. */
export function gauge<L extends string>(
  registry: Registry,
  spec: MetricSpec<L>,
  collect?: (gauge: Gauge<L>) => void | Promise<void>,
): Gauge<L> {
  const known = existing<Gauge<L>>(registry, spec, Gauge);
  if (known !== undefined) return known;
  const config = { ...configOf(spec), registers: [registry] };
  if (collect === undefined) return new Gauge(config);
  return new Gauge({
    ...config,
    collect() {
      return collect(this);
    },
  });
}

/** The histogram of this name in the registry; values are in the unit of its name. */
export function histogram<L extends string>(registry: Registry, spec: MetricSpec<L>): Histogram<L> {
  const buckets = spec.buckets === undefined ? {} : { buckets: [...spec.buckets] };
  return existing(registry, spec, Histogram) ?? new Histogram({ ...configOf(spec), ...buckets, registers: [registry] });
}

function configOf<L extends string>({
  name,
  help,
  labels,
}: MetricSpec<L>): { name: string; help: string; labelNames: L[] } {
  return { name, help, labelNames: [...labels] };
}

function existing<M extends Metric>(
  registry: Registry,
  spec: MetricSpec,
  type: abstract new (...args: never[]) => Metric,
): M | undefined {
  const known = registry.getSingleMetric(spec.name);
  if (known === undefined) return undefined;
  const labels = (known as unknown as { readonly labelNames: readonly string[] }).labelNames;
  if (known instanceof type && labels.join() === spec.labels.join()) return known as M;
  throw new Error(
    `metric ${spec.name} is registered twice, differently: labels ${labels.join()} and ${spec.labels.join()}`,
  );
}
