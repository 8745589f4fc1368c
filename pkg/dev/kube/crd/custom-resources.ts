import type { GoTypes } from "../builtin/go-types.ts";
import { builtinResource } from "../builtin/resources.ts";
import type { News } from "../controllers/loop.ts";
import { storageHash } from "../discovery/discovery.ts";
import type { Catalog } from "../registry/catalog.ts";
import { type Call, type Machine, metaOf, timestamp } from "../registry/context.ts";
import type { Deletes } from "../registry/deletes.ts";
import type { Resource } from "../registry/resource.ts";
import type { Change } from "../storage/collection.ts";
import {
  at,
  copy,
  equalJson,
  isObject,
  type Json,
  type JsonObject,
  listAt,
  objectAt,
  textAt,
  textsAt,
} from "../wire/json.ts";
import { forbidden } from "../wire/status.ts";
import { CelCompiler } from "./cel.ts";
import { customCodec } from "./custom-codec.ts";
import { customStatusStrategy, customStrategy } from "./custom-strategy.ts";
import { definitionKind } from "./definition.ts";
import { cleanupFinalizer, conditionOf, definitionStatus, markTerminating } from "./definition-status.ts";
import { evaluateJsonPath, parseJsonPath } from "./json-path.ts";
import { customColumns } from "./printer-columns.ts";
import { Rules } from "./rules.ts";
import type { Schema } from "./schema.ts";

/** What custom resources are served with. */
export interface CustomResourcesDeps {
  readonly machine: Machine;
  readonly catalog: Catalog;
  readonly types: GoTypes;
  readonly deletes: Deletes;
  readonly call: Call;
}

const verbs = ["delete", "deletecollection", "get", "list", "patch", "create", "update", "watch"];

/** Serves what CustomResourceDefinitions define, from the moment they are established until they are gone. */
export class CustomResources {
  readonly definitionResource: Resource;
  readonly #deps: CustomResourcesDeps;
  readonly #rules: Rules;
  /** The revision of the definition that each served group and plural stands for. */
  readonly #served = new Map<string, { readonly spec: Json; readonly versions: readonly string[] }>();
  readonly #listening = new Set<string>();

  constructor(deps: CustomResourcesDeps) {
    this.#deps = deps;
    const compiler = new CelCompiler();
    this.#rules = new Rules(compiler, deps.machine.faults);
    const resource = builtinResource(definitionKind, deps.types, deps.machine.faults);
    this.definitionResource = {
      ...resource,
      strategy: {
        ...resource.strategy,
        markDeletion: (object) => markTerminating(object, timestamp(deps.machine.clock)),
      },
    };
  }

  /** Calls `listener` on changes of a custom resource's objects; once per resource, however often asked. */
  listenOnce(resource: Resource, listener: (change: Change) => void): void {
    const key = `${resource.group}/${resource.resource}`;
    if (this.#listening.has(key)) return;
    this.#listening.add(key);
    this.#deps.machine.store.collection(resource.group, resource.resource).listen(listener);
  }

  /** The schema of a served version, for OpenAPI. */
  schemaOf(group: string, version: string, plural: string): JsonObject | undefined {
    const definition = this.#definitions().find(
      (each) => textAt(each, "spec", "group") === group && textAt(each, "spec", "names", "plural") === plural,
    );
    const found = listAt(definition, "spec", "versions").find((each) => textAt(each, "name") === version);
    return found === undefined ? undefined : objectAt(found, "schema", "openAPIV3Schema");
  }

  #definitions(): JsonObject[] {
    return this.#collection()
      .list()
      .map((entry) => entry.object);
  }

  #collection() {
    return this.#deps.machine.store.collection("apiextensions.k8s.io", "customresourcedefinitions");
  }

  /** One round of the naming, establishing, serving and finalizing work. */
  step(news: News): void {
    const served = news.changes.some(({ group, resource }) => this.#served.has(`${group}/${resource}`));
    if (!served && !news.touched("apiextensions.k8s.io", "customresourcedefinitions")) return;
    const seen = new Set<string>();
    for (const definition of this.#definitions()) {
      seen.add(keyOf(definition));
      if (textAt(definition, "metadata", "deletionTimestamp") !== "") this.#finalize(definition);
      else if (this.#deps.machine.faults["crd-never-established"]) this.#serve(definition);
      else this.#establish(definition);
    }
    for (const key of this.#served.keys()) if (!seen.has(key)) this.#unserve(key);
  }

  #establish(definition: JsonObject): void {
    const status = definitionStatus(definition, this.#definitions(), timestamp(this.#deps.machine.clock));
    if (!equalJson(status, objectAt(definition, "status"))) {
      this.#put(definition, (object) => (object["status"] = status));
    }
    if (conditionOf({ status }, "Established") === "True") this.#serve(definition);
  }

  #serve(definition: JsonObject): void {
    const key = keyOf(definition);
    const spec = definition["spec"] ?? null;
    const known = this.#served.get(key);
    if (known && equalJson(known.spec, spec)) return;
    const { catalog, machine } = this.#deps;
    const [group = "", plural = ""] = key.split("/");
    for (const version of known?.versions ?? []) catalog.remove(group, version, plural);
    const versions = listAt(spec, "versions").filter(
      (each) => isObject(each) && (each["served"] === true || machine.faults["serves-unserved-versions"] === true),
    );
    this.#served.set(key, { spec, versions: versions.map((each) => textAt(each, "name")) });
    for (const version of versions) catalog.add(this.#resource(definition, version));
  }

  #unserve(key: string): void {
    const [group = "", plural = ""] = key.split("/");
    for (const version of this.#served.get(key)?.versions ?? []) this.#deps.catalog.remove(group, version, plural);
    this.#served.delete(key);
  }

  #resource(definition: JsonObject, version: Json): Resource {
    const { types, machine } = this.#deps;
    const spec = objectAt(definition, "spec");
    const names = objectAt(spec, "names");
    const group = textAt(spec, "group");
    const name = textAt(version, "name");
    const kind = textAt(names, "kind");
    const plural = textAt(names, "plural");
    const schema: Schema = objectAt(version, "schema", "openAPIV3Schema");
    const namespaced = textAt(spec, "scope") === "Namespaced";
    const hasStatus = at(version, "subresources", "status") !== undefined;
    const storage = textAt(
      listAt(spec, "versions").find((each) => isObject(each) && each["storage"] === true),
      "name",
    );
    const rules = { schema, namespaced, hasStatus, rules: this.#rules, faults: machine.faults };
    const apiVersion = `${group}/${name}`;
    return {
      group,
      version: name,
      resource: plural,
      singular: textAt(names, "singular"),
      kind,
      listKind: textAt(names, "listKind"),
      namespaced,
      verbs,
      shortNames: textsAt(names, "shortNames"),
      categories: textsAt(names, "categories"),
      storageHash: storageHash(group, storage, kind),
      custom: true,
      storedIn: { group, resource: plural },
      codec: customCodec({ apiVersion, kind, schema, types, faults: machine.faults }),
      strategy: { ...customStrategy(rules), guardWrite: (next, old) => this.#guard(definition, next, old) },
      subresources: hasStatus
        ? [{ name: "status", verbs: ["get", "patch", "update"], kind, strategy: customStatusStrategy(rules) }]
        : [],
      columns: customColumns(version),
      fields: selectable(version),
      blank: (metadata) => ({ kind, apiVersion, metadata }),
      unknownField: (field) => `field label not supported: ${field}`,
      ...(at(version, "deprecated") === true
        ? { deprecation: textAt(version, "deprecationWarning") || `${apiVersion} ${kind} is deprecated` }
        : {}),
    };
  }

  /** Refuses new objects of a kind that is going. Throws 403. */
  #guard(definition: JsonObject, next: JsonObject, old: JsonObject | undefined): void {
    const current = this.#collection().get(textAt(definition, "metadata", "name"))?.object;
    if (old !== undefined || conditionOf(current ?? {}, "Terminating") !== "True") return;
    const resource = {
      group: textAt(definition, "spec", "group"),
      resource: textAt(definition, "spec", "names", "plural"),
    };
    const why = "create not allowed while custom resource definition is terminating";
    throw forbidden(resource, textAt(next, "metadata", "name"), why);
  }

  /** Deletes all objects of a definition that is going, then lets it go. */
  #finalize(definition: JsonObject): void {
    if (!textsAt(definition, "metadata", "finalizers").includes(cleanupFinalizer)) return;
    const resource = this.#deps.catalog.anyVersion(
      textAt(definition, "spec", "group"),
      textAt(definition, "spec", "names", "plural"),
    );
    if (resource && !this.#deps.machine.faults["crd-keeps-objects"]) {
      const objects = this.#deps.machine.store.collection(resource.group, resource.resource);
      for (const { object } of objects.list()) {
        if (textAt(object, "metadata", "deletionTimestamp") !== "") continue;
        const target = { resource, strategy: resource.strategy, namespace: textAt(object, "metadata", "namespace") };
        const options = {
          dryRun: false,
          gracePeriodSeconds: undefined,
          propagationPolicy: undefined,
          orphanDependents: undefined,
          preconditions: {},
        };
        this.#deps.deletes.delete(target, textAt(object, "metadata", "name"), options, this.#deps.call);
      }
      if (objects.size > 0) return;
    }
    this.#release(definition);
  }

  #release(definition: JsonObject): void {
    const rest = textsAt(definition, "metadata", "finalizers").filter((each) => each !== cleanupFinalizer);
    if (rest.length > 0) {
      this.#put(definition, (object) => (metaOf(object)["finalizers"] = rest));
      return;
    }
    this.#collection().remove(textAt(definition, "metadata", "name"));
    this.#unserve(keyOf(definition));
  }

  #put(definition: JsonObject, change: (object: JsonObject) => void): void {
    const name = textAt(definition, "metadata", "name");
    this.#collection().put(name, (revision) => {
      const next = copy(definition);
      change(next);
      metaOf(next)["resourceVersion"] = String(revision);
      return next;
    });
  }
}

const keyOf = (definition: JsonObject): string =>
  `${textAt(definition, "spec", "group")}/${textAt(definition, "spec", "names", "plural")}`;

function selectable(version: Json): Resource["fields"] {
  const entries = listAt(version, "selectableFields").map((each) => {
    const path = textAt(each, "jsonPath");
    const parts = parseJsonPath(path) ?? [];
    const read = (object: JsonObject): string => {
      const value = evaluateJsonPath(parts, object)[0];
      return value === undefined || value === null || typeof value === "object" ? "" : String(value);
    };
    return [path.replace(/^\./, ""), read] as const;
  });
  return Object.fromEntries(entries);
}
