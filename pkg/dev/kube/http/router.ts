import type { Reviews } from "../auth/reviews.ts";
import type { TokenRequests } from "../auth/token-request.ts";
import type { GoTypes } from "../builtin/go-types.ts";
import type { Discovery } from "../discovery/discovery.ts";
import type { OpenApi } from "../discovery/openapi.ts";
import { type VirtualResource, virtualResources } from "../discovery/virtual.ts";
import type { Catalog } from "../registry/catalog.ts";
import type { User } from "../registry/context.ts";
import type { Resource } from "../registry/resource.ts";
import { ApiFailure, badRequest, methodNotAllowed, noSuchResource, notFound, notImplemented } from "../wire/status.ts";
import { parseObject } from "./body.ts";
import type { Disturbances } from "./disturbances.ts";
import { type Answer, type Exchange, pageNotFound } from "./exchange.ts";
import type { Gate } from "./gate.ts";
import { inputFormat, negotiate } from "./negotiate.ts";
import { type RequestInfo, requestInfo } from "./request-info.ts";
import type { ResourceApi } from "./resource-api.ts";
import { versionInfo } from "./version.ts";

/** The parts that the router hands requests to. */
export interface RouterDeps {
  readonly gate: Gate;
  readonly catalog: Catalog;
  readonly discovery: Discovery;
  readonly openApi: OpenApi;
  readonly resources: ResourceApi;
  readonly reviews: Reviews;
  readonly tokens: TokenRequests;
  readonly disturbances: Disturbances;
  readonly types: GoTypes;
}

const aggregatedType = /application\/json;g=apidiscovery\.k8s\.io;v=(v2|v2beta1);as=APIGroupDiscoveryList/;
/** Subresources of the real server that need a node, or that nobody here asks for. */
const knownButMissing = new Set([
  "log",
  "exec",
  "attach",
  "portforward",
  "proxy",
  "eviction",
  "binding",
  "ephemeralcontainers",
  "resize",
  "scale",
  "approval",
]);

/** Takes a request from the socket to its answer: identity, rights, then the part that serves it. */
export class Router {
  readonly #deps: RouterDeps;

  constructor(deps: RouterDeps) {
    this.#deps = deps;
  }

  /** Never rejects: whatever goes wrong is answered. */
  async serve(exchange: Exchange): Promise<void> {
    try {
      await this.#serve(exchange);
    } catch (thrown) {
      exchange.fail(thrown);
    }
  }

  async #serve(exchange: Exchange): Promise<void> {
    const { gate, disturbances } = this.#deps;
    const info = requestInfo(exchange.method, exchange.url.pathname, exchange.url.searchParams);
    const user = gate.impersonate(exchange, info, gate.identify(exchange));
    gate.authorise(info, user);
    disturbances.meet(info);
    if (info.isResource) await this.#resource(exchange, info, user);
    else exchange.answer(this.#path(info.path, exchange.header("accept")));
  }

  async #resource(exchange: Exchange, info: RequestInfo, user: User): Promise<void> {
    const { catalog, resources } = this.#deps;
    const virtual = virtualResources.find(
      (each) => each.group === info.group && each.version === info.version && each.resource === info.resource,
    );
    if (virtual) return this.#review(exchange, info, virtual, user);
    const resource = catalog.find(info.group, info.version, info.resource);
    if (resource === undefined) return this.#unknown(exchange, info);
    if (!placed(resource, info)) return misplaced(exchange, resource, info);
    if (info.subresource === "token" && resource.resource === "serviceaccounts") return this.#token(exchange, info);
    if (resource.deprecation !== undefined) exchange.warnings.push(resource.deprecation);
    const strategy = strategyFor(resource, info);
    await resources.serve({ exchange, info, resource, strategy, user });
  }

  #unknown(exchange: Exchange, info: RequestInfo): void {
    if (this.#isBuiltin(info.group)) throw noSuchResource();
    exchange.answer(pageNotFound);
  }

  #isBuiltin(group: string): boolean {
    if (groupsNotOffered.has(group)) return true;
    return this.#deps.discovery.versions(group).length > 0 && !this.#isCustomGroup(group);
  }

  #isCustomGroup(group: string): boolean {
    return this.#deps.catalog.all().some((each) => each.group === group && each.custom);
  }

  async #review(exchange: Exchange, info: RequestInfo, resource: VirtualResource, user: User): Promise<void> {
    if (info.name !== "") throw noSuchResource();
    if (info.verb !== "create") throw notAllowedHere();
    negotiate(exchange.header("accept"), false);
    const format = inputFormat(exchange.header("content-type"), false);
    const body = parseObject({ bytes: await exchange.body(), format, types: this.#deps.types }, resource);
    exchange.json(201, this.#deps.reviews.answer(resource, body, user, info.namespace));
  }

  async #token(exchange: Exchange, info: RequestInfo): Promise<void> {
    if (info.verb !== "create") throw notAllowedHere();
    const format = inputFormat(exchange.header("content-type"), false);
    const expected = {
      kind: "TokenRequest",
      group: "authentication.k8s.io",
      version: "v1",
      struct: "authentication.v1.TokenRequest",
    };
    const body = parseObject({ bytes: await exchange.body(), format, types: this.#deps.types }, expected);
    exchange.json(201, this.#deps.tokens.create(info.namespace, info.name, body));
  }

  #path(path: string, accept: string): Answer {
    const { discovery, openApi } = this.#deps;
    const clean = path.length > 1 ? path.replace(/\/+$/, "") : path;
    const [root = "", group = "", version = "", ...rest] = clean.split("/").filter((each) => each !== "");
    if (["healthz", "livez", "readyz"].includes(root)) return { code: 200, text: "ok" };
    if (clean === "/version") return { code: 200, json: versionInfo() };
    if (clean === "/") return { code: 200, json: { paths: rootPaths } };
    if (root === "openapi")
      return openApi.answer(
        [group, version, ...rest].filter((each) => each !== ""),
        accept,
      );
    if (clean === "/api" || clean === "/apis") return this.#roots(accept, root === "api");
    if (root === "api" && version === "") return document(discovery.resources("", group), true);
    if (root === "apis" && version === "") return document(discovery.group(group));
    if (root === "apis" && rest.length === 0)
      return document(discovery.resources(group, version), this.#isBuiltin(group));
    return pageNotFound;
  }

  #roots(accept: string, core: boolean): Answer {
    const { discovery } = this.#deps;
    const wanted = aggregatedType.exec(accept.replaceAll(" ", ""));
    if (wanted === null) return { code: 200, json: core ? discovery.apiVersions() : discovery.groupList() };
    const version = wanted[1] ?? "v2";
    const contentType = `application/json;g=apidiscovery.k8s.io;v=${version};as=APIGroupDiscoveryList`;
    return { code: 200, json: discovery.aggregated(core, version), contentType };
  }
}

const rootPaths = [
  "/api",
  "/api/v1",
  "/apis",
  "/healthz",
  "/livez",
  "/openapi/v2",
  "/openapi/v3",
  "/readyz",
  "/version",
];

/** Groups that the real server has and this one does not: it has none of their resources. */
const groupsNotOffered: ReadonlySet<string> = new Set([
  "admissionregistration.k8s.io",
  "apiregistration.k8s.io",
  "apps",
  "autoscaling",
  "batch",
  "certificates.k8s.io",
  "discovery.k8s.io",
  "flowcontrol.apiserver.k8s.io",
  "networking.k8s.io",
  "node.k8s.io",
  "policy",
  "resource.k8s.io",
  "scheduling.k8s.io",
]);

/** A document, or what the real server says when there is none: below built-in groups its router answers. */
function document(found: object | undefined, builtin = false): Answer {
  if (found !== undefined) return { code: 200, json: found };
  if (builtin) throw noSuchResource();
  return pageNotFound;
}

/** The real server's router, before any resource is asked. */
const notAllowedHere = (): ApiFailure =>
  new ApiFailure(405, "MethodNotAllowed", "the server does not allow this method on the requested resource", {});

/** True when the path has a namespace exactly where the resource wants one; lists may go without. */
function placed(resource: Resource, info: RequestInfo): boolean {
  if (!resource.namespaced) return info.namespace === "" || resource.resource === "namespaces";
  return info.namespace !== "" || ["list", "watch"].includes(info.verb);
}

function misplaced(exchange: Exchange, resource: Resource, info: RequestInfo): void {
  if (resource.custom) exchange.answer(pageNotFound);
  else throw resource.namespaced && info.parts.length === 1 ? notAllowedHere() : noSuchResource();
}

/** The rules for the resource or its subresource. Throws when there is no such part or verb. */
function strategyFor(resource: Resource, info: RequestInfo): Resource["strategy"] {
  const notAllowed = (): ApiFailure => (resource.custom ? methodNotAllowed(resource, info.verb) : notAllowedHere());
  if (info.parts.length > 3) throw noSuchResource();
  const nameless = info.name === "" && ["update", "patch"].includes(info.verb);
  if (nameless) throw resource.custom ? badRequest("name must be provided") : notAllowedHere();
  if (info.subresource === "") {
    if (!resource.verbs.includes(info.verb) || (info.verb === "create" && info.name !== "" && !resource.custom))
      throw notAllowed();
    return resource.strategy;
  }
  const sub = resource.subresources.find((each) => each.name === info.subresource);
  if (sub?.strategy === undefined) {
    if (!resource.custom && knownButMissing.has(info.subresource))
      throw notImplemented(`${resource.resource}/${info.subresource}`);
    throw resource.custom ? notFound(resource, info.name) : noSuchResource();
  }
  if (!sub.verbs.includes(info.verb)) throw notAllowed();
  return sub.strategy;
}
