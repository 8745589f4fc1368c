import type { Logger } from "pino";
import { Authenticator } from "./auth/authenticator.ts";
import { bootstrapBindings, bootstrapNamespaces, bootstrapRoles } from "./auth/bootstrap.ts";
import { Escalation } from "./auth/escalation.ts";
import { Rbac } from "./auth/rbac.ts";
import { Reviews } from "./auth/reviews.ts";
import { TokenRequests } from "./auth/token-request.ts";
import { TokenIssuer } from "./auth/tokens.ts";
import { GoTypes } from "./builtin/go-types.ts";
import { builtinKinds } from "./builtin/kinds/index.ts";
import { builtinResource } from "./builtin/resources.ts";
import { AccountController } from "./controllers/accounts.ts";
import { GarbageCollector } from "./controllers/garbage-collector.ts";
import { ControllerLoop } from "./controllers/loop.ts";
import {
  immortal,
  mustLive,
  NamespaceController,
  namespaceGuard,
  terminateNamespace,
} from "./controllers/namespaces.ts";
import { ProtectionController } from "./controllers/protection.ts";
import { RoleAggregation } from "./controllers/role-aggregation.ts";
import { VolumeBinder } from "./controllers/volume-binder.ts";
import { CustomResources } from "./crd/custom-resources.ts";
import { Discovery } from "./discovery/discovery.ts";
import { OpenApi } from "./discovery/openapi.ts";
import { OpenApiDocuments } from "./discovery/openapi-documents.ts";
import { Disturbances } from "./http/disturbances.ts";
import { Gate } from "./http/gate.ts";
import { Patcher } from "./http/patcher.ts";
import { ResourceApi } from "./http/resource-api.ts";
import { Router } from "./http/router.ts";
import { WatchServer } from "./http/watch-server.ts";
import { Catalog } from "./registry/catalog.ts";
import type { Call, Machine, User } from "./registry/context.ts";
import { timestamp } from "./registry/context.ts";
import { Deletes } from "./registry/deletes.ts";
import { Reads } from "./registry/reads.ts";
import type { Resource, Strategy } from "./registry/resource.ts";
import { Watches } from "./registry/watches.ts";
import { Writes } from "./registry/writes.ts";
import { type JsonObject, textAt } from "./wire/json.ts";

/** What the composition needs from outside. */
export interface ApiServerOptions {
  readonly machine: Machine;
  readonly admin: User;
  readonly adminToken: string;
  readonly caPem: string;
  readonly address: string;
  readonly bookmarkIntervalMs: number;
  readonly namespaceGraceMs: number;
  readonly log?: Logger;
}

/** Everything behind the socket. */
export interface ApiServer {
  readonly router: Router;
  readonly watches: WatchServer;
  readonly disturbances: Disturbances;
  stop(): void;
}

const system: User = { name: "system:apiserver", uid: "", groups: ["system:masters"], extra: {} };

/** Puts the parts of the API server together; this is the one place that knows them all. */
export function composeApiServer(options: ApiServerOptions): ApiServer {
  const { machine } = options;
  const call: Call = { user: system, dryRun: false, fieldValidation: "Ignore", warnings: [] };
  const types = new GoTypes();
  const catalog = new Catalog();
  const reads = new Reads(machine);
  const writes = new Writes(machine, namespaceGuard(machine));
  const deletes = new Deletes(machine);
  const rbac = new Rbac(machine);
  const escalation = new Escalation(rbac, machine);
  const custom = new CustomResources({ machine, catalog, types, deletes, call });
  for (const kind of builtinKinds)
    catalog.add(guarded(builtinResource(kind, types, machine.faults), escalation, machine));
  catalog.add(custom.definitionResource);
  const steps = [
    custom,
    new NamespaceController({ machine, catalog, deletes, call, graceMs: options.namespaceGraceMs }),
    new GarbageCollector(machine, catalog, deletes, call),
    new AccountController(machine, catalog, writes, options.caPem, call),
    new ProtectionController(machine),
    new RoleAggregation(machine),
    new VolumeBinder(machine),
  ];
  const loop = new ControllerLoop(steps, options.log);
  for (const { storedIn } of uniqueStorage(catalog.all())) {
    const { group, resource } = storedIn;
    machine.store.collection(group, resource).listen((change) => loop.note({ group, resource, change }));
  }
  catalog.onChange(() => {
    for (const resource of catalog.all())
      if (resource.custom) custom.listenOnce(resource, (change) => loop.note({ ...resource.storedIn, change }));
  });
  bootstrap(catalog, writes, call);
  const tokens = new TokenIssuer();
  const authenticator = new Authenticator(machine, tokens, options.adminToken, options.admin);
  const discovery = new Discovery(catalog, options.address, machine.faults);
  const watches = new WatchServer(new Watches(machine, reads), options.bookmarkIntervalMs);
  const disturbances = new Disturbances();
  const router = new Router({
    gate: new Gate(authenticator, rbac, machine),
    catalog,
    discovery,
    openApi: new OpenApi(discovery, new OpenApiDocuments(catalog, types, (...names) => custom.schemaOf(...names))),
    resources: new ResourceApi({
      machine,
      reads,
      writes,
      deletes,
      watches,
      patcher: new Patcher(types, machine),
      types,
      ask: (question) => rbac.ask(question),
    }),
    reviews: new Reviews(machine, types, authenticator, rbac),
    tokens: new TokenRequests(machine, types, tokens),
    disturbances,
    types,
  });
  return { router, watches, disturbances, stop: () => loop.stop() };
}

/** One resource per place of storage. */
function uniqueStorage(resources: readonly Resource[]): Resource[] {
  return [...new Map(resources.map((each) => [`${each.storedIn.group}/${each.storedIn.resource}`, each])).values()];
}

/** Adds the checks that need more than the object itself: rights handed out, and namespaces that must live. */
function guarded(resource: Resource, escalation: Escalation, machine: Machine): Resource {
  const extra: Partial<Strategy> = {};
  if (resource.group === "rbac.authorization.k8s.io") {
    const plural = resource.resource as "roles" | "clusterroles" | "rolebindings" | "clusterrolebindings";
    Object.assign(extra, {
      guardWrite: (next: JsonObject, old: JsonObject | undefined, call: Call) =>
        escalation.check(plural, next, old, call),
    });
  }
  if (resource.resource === "namespaces") {
    Object.assign(extra, {
      guardDelete: guardNamespace,
      markDeletion: (object: JsonObject) => terminateNamespace(object, timestamp(machine.clock)),
    });
  }
  return { ...resource, strategy: { ...resource.strategy, ...extra } };
}

function guardNamespace(object: JsonObject): void {
  const name = textAt(object, "metadata", "name");
  if (immortal.has(name)) throw mustLive(name);
}

function bootstrap(catalog: Catalog, writes: Writes, call: Call): void {
  const make = (group: string, plural: string, body: JsonObject): void => {
    const resource = catalog.find(group, "v1", plural);
    if (resource === undefined) throw new Error(`no resource ${plural}`);
    writes.create({ resource, strategy: resource.strategy, namespace: "" }, resource.codec.read(body).object, call);
  };
  for (const name of bootstrapNamespaces) make("", "namespaces", { metadata: { name } });
  for (const role of bootstrapRoles) make("rbac.authorization.k8s.io", "clusterroles", role);
  for (const binding of bootstrapBindings) make("rbac.authorization.k8s.io", "clusterrolebindings", binding);
}
