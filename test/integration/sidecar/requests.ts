import type { Sidecar } from "./place.ts";

/** Requests to the API server so far, by method. */
export async function requestsOf(sidecar: Sidecar): Promise<{ readonly GET: number; readonly POST: number }> {
  const { body } = await sidecar.http("/metrics");
  const count = (method: string): number =>
    [...body.matchAll(/^rest_client_requests_total\{([^}]*)\} (\d+)$/gm)]
      .filter(([, labels = ""]) => labels.includes(`method="${method}"`))
      .reduce((sum, [, , value]) => sum + Number(value), 0);
  return { GET: count("GET"), POST: count("POST") };
}

/** Kinds whose cache has been filled. */
export async function cachedKindsOf(sidecar: Sidecar): Promise<number> {
  const { body } = await sidecar.http("/metrics");
  return [...body.matchAll(/^dp_kube_cache_lists_total\{[^}]*\} [1-9]/gm)].length;
}
