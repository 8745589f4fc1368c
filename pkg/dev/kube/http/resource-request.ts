import type { User } from "../registry/context.ts";
import type { Resource, Strategy } from "../registry/resource.ts";
import type { Exchange } from "./exchange.ts";
import type { RequestInfo } from "./request-info.ts";

/** One request about a resource, checked and ready to be served. */
export interface ResourceRequest {
  readonly exchange: Exchange;
  readonly info: RequestInfo;
  readonly resource: Resource;
  readonly strategy: Strategy;
  readonly user: User;
}
