import { counter, histogram, type MetricFamily, type Registry } from "../../runtime/metrics/index.ts";

const durationBuckets = [0.005, 0.025, 0.1, 0.25, 0.5, 1, 2, 4, 8, 15, 30, 60];
const sizeBuckets = [64, 256, 512, 1024, 4096, 16384, 65536, 262144, 1048576, 4194304, 16777216];

const families = {
  requests: {
    type: "counter",
    name: "rest_client_requests_total",
    help: "Number of HTTP requests, partitioned by status code, method, and host.",
    labels: ["code", "method", "host"],
  },
  duration: {
    type: "histogram",
    name: "rest_client_request_duration_seconds",
    help: "Request latency in seconds. Broken down by verb, and host.",
    labels: ["verb", "host"],
    buckets: durationBuckets,
  },
  requestSize: {
    type: "histogram",
    name: "rest_client_request_size_bytes",
    help: "Request size in bytes. Broken down by verb and host.",
    labels: ["verb", "host"],
    buckets: sizeBuckets,
  },
  responseSize: {
    type: "histogram",
    name: "rest_client_response_size_bytes",
    help: "Response size in bytes. Broken down by verb and host.",
    labels: ["verb", "host"],
    buckets: sizeBuckets,
  },
  rateLimiter: {
    type: "histogram",
    name: "rest_client_rate_limiter_duration_seconds",
    help: "Client side rate limiter latency in seconds. Broken down by verb, and host.",
    labels: ["verb", "host"],
    buckets: durationBuckets,
  },
  retries: {
    type: "counter",
    name: "rest_client_request_retries_total",
    help: "Number of request retries, partitioned by status code, verb, and host.",
    labels: ["code", "verb", "host"],
  },
} as const satisfies Record<string, MetricFamily>;

/** client-go's metrics of requests, for the reference page. */
export const clientMetrics: readonly MetricFamily[] = Object.values(families);

/** What a client notes about its requests. */
export interface ClientMeter {
  requested(code: string, method: string): void;
  took(verb: string, seconds: number): void;
  sizes(verb: string, requestBytes: number, responseBytes: number): void;
  waited(verb: string, seconds: number): void;
  retried(code: string, verb: string): void;
}

/** Counts under client-go's names; without a registry it counts nothing. */
export function clientMeter(registry: Registry | undefined, host: string): ClientMeter {
  if (registry === undefined) {
    const nothing = (): void => undefined;
    return { requested: nothing, took: nothing, sizes: nothing, waited: nothing, retried: nothing };
  }
  const requests = counter(registry, families.requests);
  const duration = histogram(registry, families.duration);
  const requestSize = histogram(registry, families.requestSize);
  const responseSize = histogram(registry, families.responseSize);
  const rateLimiter = histogram(registry, families.rateLimiter);
  const retries = counter(registry, families.retries);
  return {
    requested: (code, method) => requests.inc({ code, method, host }),
    took: (verb, seconds) => duration.observe({ verb, host }, seconds),
    sizes: (verb, sent, received) => {
      requestSize.observe({ verb, host }, sent);
      responseSize.observe({ verb, host }, received);
    },
    waited: (verb, seconds) => rateLimiter.observe({ verb, host }, seconds),
    retried: (code, verb) => retries.inc({ code, verb, host }),
  };
}
