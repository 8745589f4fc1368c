import type { Env } from "../../runtime/lifecycle/index.ts";
import { createHttpEndpoint, type HttpEndpoint, type HttpEndpointOptions } from "./http-endpoint.ts";
import type { ReadinessCheck } from "./readiness.ts";

/** What one component wants of an endpoint that it may have to share. */
export interface SharedEndpointOptions
  extends Pick<HttpEndpointOptions, "address" | "flag" | "metricsPath" | "healthPaths"> {
  /** Name of the component; its checks are printed as "name/check". */
  readonly name: string;
  readonly checks?: Readonly<Record<string, ReadinessCheck>>;
}

/**
 * The endpoint at this address, made by the first component that names it and shared by the others. The process
 * closes it after all components have stopped. Undefined when the address is empty, which turns it off.
 */
export async function shareHttpEndpoint(
  env: Pick<Env, "share" | "metrics" | "log">,
  { name, checks = {}, address, flag, metricsPath = "/metrics", healthPaths = [] }: SharedEndpointOptions,
): Promise<HttpEndpoint | undefined> {
  if (address === "") return undefined;
  const endpoint = await env.share(`http endpoint ${address}`, () =>
    createHttpEndpoint({
      address,
      metricsPath: "",
      registry: env.metrics,
      log: env.log,
      ...(flag === undefined ? {} : { flag }),
    }),
  );
  for (const [check, holds] of Object.entries(checks)) endpoint.ready.add(`${name}/${check}`, holds);
  endpoint.extend({ metricsPath, healthPaths });
  return endpoint;
}
