import type { GoTypes } from "../builtin/go-types.ts";
import { openProtobuf } from "../builtin/protobuf.ts";
import { PatchApplyError, PatchSyntaxError } from "../patch/json-patch.ts";
import { StrategicPatchError } from "../patch/strategic-patch.ts";
import type { AccessAnswer, AccessQuestion, Call, Machine } from "../registry/context.ts";
import type { Deletes } from "../registry/deletes.ts";
import { type ListOptions, readDeleteOptions, readListOptions, readWriteOptions } from "../registry/options.ts";
import { checkFields, checkVersion, type Page, type Reads } from "../registry/reads.ts";
import type { Resource, Strategy } from "../registry/resource.ts";
import type { Target, Writes } from "../registry/writes.ts";
import { isObject, type JsonObject, parseJson, textAt } from "../wire/json.ts";
import { ApiFailure, badRequest, methodNotAllowed, notImplemented, unsupportedMediaType } from "../wire/status.ts";
import { decodeFor, parseObject } from "./body.ts";
import { type BodyFormat, inputFormat, negotiate } from "./negotiate.ts";
import { includeOf, type Shape, shapeList, shapeOne } from "./output.ts";
import { applyPatch, mediaTypesOf, type Patcher } from "./patcher.ts";
import type { RequestInfo } from "./request-info.ts";
import type { ResourceRequest } from "./resource-request.ts";
import type { WatchServer } from "./watch-server.ts";

/** What the resource API works with. */
export interface ResourceApiDeps {
  readonly machine: Machine;
  readonly reads: Reads;
  readonly writes: Writes;
  readonly deletes: Deletes;
  readonly watches: WatchServer;
  readonly patcher: Patcher;
  readonly types: GoTypes;
  /** Asked when an update turns out to be a creation. */
  readonly ask: (question: AccessQuestion) => AccessAnswer;
}

type Handler = (request: ResourceRequest) => Promise<void>;

/** Serves the verbs of stored resources. */
export class ResourceApi {
  readonly #deps: ResourceApiDeps;
  readonly #handlers: Readonly<Record<string, Handler>>;

  constructor(deps: ResourceApiDeps) {
    this.#deps = deps;
    this.#handlers = {
      get: (request) => this.#get(request),
      list: (request) => this.#list(request),
      watch: (request) => this.#list(request),
      create: (request) => this.#create(request),
      update: (request) => this.#update(request),
      patch: (request) => this.#patch(request),
      delete: (request) => this.#delete(request),
      deletecollection: (request) => this.#deleteCollection(request),
    };
  }

  async serve(request: ResourceRequest): Promise<void> {
    const handler = this.#handlers[request.info.verb];
    if (handler === undefined) throw methodNotAllowed(request.resource, request.info.verb);
    await handler(request);
  }

  #shape({ exchange, info, resource }: ResourceRequest): Shape {
    const wanted = negotiate(exchange.header("accept"), resource.custom, info.name === "");
    const form = this.#deps.machine.faults["no-table"] ? { ...wanted, as: "object" as const } : wanted;
    const include = includeOf(exchange.url.searchParams, form);
    return { resource, form, include, noHeaders: false, now: this.#deps.machine.clock.now() };
  }

  #answer(request: ResourceRequest, code: number, stored: JsonObject, shape: Shape): void {
    request.exchange.json(code, shapeOne(stored, shape), shape.form.contentType);
  }

  async #get(request: ResourceRequest): Promise<void> {
    const { exchange, info, resource } = request;
    const shape = this.#shape(request);
    const version = exchange.url.searchParams.get("resourceVersion") ?? "";
    checkVersion(version);
    await this.#deps.reads.waitFor(version);
    this.#answer(
      request,
      200,
      this.#deps.reads.get(resource, resource.namespaced ? info.namespace : "", info.name),
      shape,
    );
  }

  async #list(request: ResourceRequest): Promise<void> {
    const { exchange, info, resource } = request;
    const shape = this.#shape(request);
    const options = readListOptions(exchange.url.searchParams);
    checkVersion(options.resourceVersion, !options.watch);
    checkFields(resource, options);
    const named = info.verb === "watch" && info.name !== "" && options.fields.length === 0;
    const narrowed = named
      ? { ...options, fields: [{ field: "metadata.name", equal: true, value: info.name }] }
      : options;
    if (info.verb === "watch" || options.watch) {
      this.#deps.watches.serve(request, narrowed, shape);
      return;
    }
    const page = await this.#deps.reads.list(resource, info.namespace, options);
    exchange.json(200, shapeList(page.items, listMeta(page), shape), shape.form.contentType);
  }

  async #create(request: ResourceRequest): Promise<void> {
    const { exchange, info, resource, user } = request;
    const shape = this.#shape(request);
    const format = inputFormat(exchange.header("content-type"), resource.custom);
    const bytes = await exchange.body();
    const { dryRun, fieldValidation } = readWriteOptions(exchange.url.searchParams, "CreateOptions");
    const call: Call = { user, dryRun, fieldValidation, warnings: exchange.warnings };
    const value = this.#parse(bytes, format, resource);
    const body = decodeFor(
      resource,
      value,
      format === "json" ? bytes.toString("utf8") : undefined,
      call,
      this.#laxFields,
    );
    const target: Target = {
      resource,
      strategy: request.strategy,
      namespace: resource.namespaced ? info.namespace : "",
    };
    const stored = this.#deps.writes.create(target, body, call);
    this.#answer(request, 201, stored, shape);
  }

  #parse(bytes: Buffer, format: BodyFormat, resource: Resource): JsonObject {
    const expected = {
      kind: resource.kind,
      group: resource.group,
      version: resource.version,
      struct: resource.codec.struct,
    };
    return parseObject({ bytes, format, types: this.#deps.types }, expected);
  }

  get #laxFields(): boolean {
    return this.#deps.machine.faults["ignore-field-validation"] === true;
  }

  async #update(request: ResourceRequest): Promise<void> {
    const { exchange, info, resource, user } = request;
    const shape = this.#shape(request);
    const bytes = await exchange.body();
    const { dryRun, fieldValidation } = readWriteOptions(exchange.url.searchParams, "UpdateOptions");
    const format = inputFormat(exchange.header("content-type"), resource.custom);
    const call: Call = { user, dryRun, fieldValidation, warnings: exchange.warnings };
    const value = this.#parse(bytes, format, resource);
    const body = decodeFor(
      resource,
      value,
      format === "json" ? bytes.toString("utf8") : undefined,
      call,
      this.#laxFields,
    );
    checkBodyName(body, info);
    const target: Target = {
      resource,
      strategy: request.strategy,
      namespace: resource.namespaced ? info.namespace : "",
    };
    const uid = textAt(body, "metadata", "uid");
    const change = (current: JsonObject | undefined): JsonObject => {
      if (current === undefined) this.#mayCreate(request);
      return body;
    };
    const { object, created } = this.#deps.writes.update(target, info.name, change, call, uid);
    this.#answer(request, created ? 201 : 200, object, shape);
  }

  #mayCreate({ info, resource, user }: ResourceRequest): void {
    const question: AccessQuestion = {
      user,
      verb: "create",
      group: resource.group,
      version: resource.version,
      resource: resource.resource,
      subresource: info.subresource,
      namespace: info.namespace,
      name: info.name,
    };
    const answer = this.#deps.ask(question);
    if (!answer.allowed) throw new ApiFailure(403, "Forbidden", answer.reason);
  }

  async #patch(request: ResourceRequest): Promise<void> {
    const { exchange, info, resource, user } = request;
    const type = exchange.header("content-type").split(";")[0]?.trim() ?? "";
    const accepted = mediaTypesOf(resource);
    if (type === applyPatch) throw notImplemented("server-side apply");
    if (!accepted.includes(type)) throw refusedPatchType(resource, accepted);
    const shape = this.#shape(request);
    const text = (await exchange.body()).toString("utf8");
    const { dryRun, fieldValidation } = readWriteOptions(exchange.url.searchParams, "PatchOptions");
    const call: Call = { user, dryRun, fieldValidation, warnings: exchange.warnings };
    const target: Target = {
      resource,
      strategy: request.strategy,
      namespace: resource.namespaced ? info.namespace : "",
    };
    const change = (current: JsonObject | undefined): JsonObject => {
      if (current === undefined) throw new ApiFailure(404, "NotFound", "");
      const patched = this.#patched(resource, current, type, text, call);
      checkBodyName(patched, info);
      return patched;
    };
    const noCreate: Strategy = {
      ...request.strategy,
      createOnUpdate: false,
      unconditionalUpdate: request.strategy.unconditionalUpdate,
    };
    const { object } = this.#deps.writes.update({ ...target, strategy: noCreate }, info.name, change, call);
    this.#answer(request, 200, object, shape);
  }

  #patched(resource: Resource, current: JsonObject, type: string, text: string, call: Call): JsonObject {
    try {
      return this.#deps.patcher.apply({ resource, current, type, text, call });
    } catch (thrown) {
      if (thrown instanceof PatchSyntaxError) throw badRequest(thrown.message);
      if (thrown instanceof PatchApplyError) {
        throw new ApiFailure(422, "Invalid", `the server rejected our request due to an error in our request`, {});
      }
      if (thrown instanceof StrategicPatchError) throw new ApiFailure(thrown.status, "", thrown.message);
      throw thrown;
    }
  }

  async #delete(request: ResourceRequest): Promise<void> {
    const { exchange, info, resource, user } = request;
    const shape = this.#shape(request);
    const options = await this.#deleteOptions(request);
    const call: Call = { user, dryRun: options.dryRun, fieldValidation: "Ignore", warnings: exchange.warnings };
    const target: Target = {
      resource,
      strategy: request.strategy,
      namespace: resource.namespaced ? info.namespace : "",
    };
    const { object, gone } = this.#deps.deletes.delete(target, info.name, options, call);
    if (gone && !request.strategy.returnsDeleted) {
      exchange.json(200, deletedStatus(resource, object));
      return;
    }
    const code = !gone && options.orphanDependents === false ? 202 : 200;
    this.#answer(request, code, object, shape);
  }

  async #deleteOptions({ exchange, resource }: ResourceRequest): Promise<ReturnType<typeof readDeleteOptions>> {
    const bytes = await exchange.body();
    if (bytes.length === 0) return readDeleteOptions(exchange.url.searchParams, undefined);
    const format = inputFormat(exchange.header("content-type"), resource.custom);
    const value = this.#deps.patcher.deleteOptions(parseDeleteOptions(bytes, format, this.#deps.types));
    return readDeleteOptions(exchange.url.searchParams, value);
  }

  async #deleteCollection(request: ResourceRequest): Promise<void> {
    const { exchange, info, resource, user } = request;
    const shape = this.#shape(request);
    const list: ListOptions = readListOptions(exchange.url.searchParams);
    checkFields(resource, list);
    const options = await this.#deleteOptions(request);
    const call: Call = { user, dryRun: options.dryRun, fieldValidation: "Ignore", warnings: exchange.warnings };
    const page = await this.#deps.reads.list(resource, info.namespace, list);
    for (const item of page.items) {
      const target: Target = { resource, strategy: request.strategy, namespace: textAt(item, "metadata", "namespace") };
      this.#deps.deletes.delete(target, textAt(item, "metadata", "name"), options, call);
    }
    exchange.json(200, shapeList(page.items, listMeta(page), shape), shape.form.contentType);
  }
}

function parseDeleteOptions(bytes: Buffer, format: BodyFormat, types: GoTypes): JsonObject {
  if (format === "protobuf") return openProtobuf(bytes).read(types, "meta.v1.DeleteOptions");
  const text = bytes.toString("utf8");
  let value: ReturnType<typeof parseJson>;
  try {
    value = format === "json" ? parseJson(text) : null;
  } catch (thrown) {
    throw badRequest(`couldn't get version/kind; json parse error: ${(thrown as Error).message}`);
  }
  if (!isObject(value)) throw badRequest("couldn't get version/kind; json parse error: the body is not an object");
  return value;
}

export function listMeta(page: Page): JsonObject {
  return {
    resourceVersion: page.resourceVersion,
    ...(page.continue === undefined ? {} : { continue: page.continue }),
    ...(page.remaining === undefined ? {} : { remainingItemCount: page.remaining }),
  };
}

/** Built-in kinds are refused by the real server's router, custom ones by their handler. */
function refusedPatchType(resource: Resource, accepted: readonly string[]): ApiFailure {
  if (resource.custom) return unsupportedMediaType([...accepted, applyPatch]);
  return new ApiFailure(415, "UnsupportedMediaType", "415: Unsupported Media Type", {});
}

function checkBodyName(body: JsonObject, info: RequestInfo): void {
  const name = textAt(body, "metadata", "name");
  if (name === "") {
    throw badRequest(`the name of the object (${info.name} based on URL) was undeterminable: name must be provided`);
  }
  if (name !== info.name)
    throw badRequest(`the name of the object (${name}) does not match the name on the URL (${info.name})`);
}

function deletedStatus(resource: Resource, object: JsonObject): JsonObject {
  return {
    kind: "Status",
    apiVersion: "v1",
    metadata: {},
    status: "Success",
    details: {
      name: textAt(object, "metadata", "name"),
      ...(resource.group === "" ? {} : { group: resource.group }),
      kind: resource.resource,
      uid: textAt(object, "metadata", "uid"),
    },
  };
}
