export { createHttpEndpoint, type HttpEndpoint, type HttpEndpointOptions } from "./http-endpoint.ts";
export { createReadiness, type Readiness, type ReadinessCheck } from "./readiness.ts";
export { type SharedEndpointOptions, shareHttpEndpoint } from "./shared-endpoint.ts";
