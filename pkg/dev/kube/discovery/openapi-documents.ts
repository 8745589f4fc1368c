import type { GoField, GoType, GoTypes } from "../builtin/go-types.ts";
import type { Catalog } from "../registry/catalog.ts";
import type { Resource } from "../registry/resource.ts";
import type { Json, JsonObject } from "../wire/json.ts";

/** Gives the schema of a custom resource, as its definition has it. */
export type CustomSchemas = (group: string, version: string, plural: string) => JsonObject | undefined;

/** Builds OpenAPI documents: schemas for all kinds, and paths as far as clients read them. */
export class OpenApiDocuments {
  readonly #catalog: Catalog;
  readonly #types: GoTypes;
  readonly #custom: CustomSchemas;

  constructor(catalog: Catalog, types: GoTypes, custom: CustomSchemas) {
    this.#catalog = catalog;
    this.#types = types;
    this.#custom = custom;
  }

  v3(group: string, version: string): JsonObject {
    const resources = this.#catalog.all().filter((each) => each.group === group && each.version === version);
    const schemas: JsonObject = {};
    const paths: JsonObject = {};
    for (const resource of resources) {
      const name = this.#schema(resource, schemas);
      Object.assign(paths, pathsOf(resource, `#/components/schemas/${name}`));
    }
    return { openapi: "3.0.0", info: { title: "Kubernetes", version: "v1.36.3" }, paths, components: { schemas } };
  }

  v2(): JsonObject {
    const definitions: JsonObject = {};
    const paths: JsonObject = {};
    for (const resource of this.#catalog.all()) {
      const name = this.#schema(resource, definitions);
      Object.assign(paths, pathsOf(resource, `#/definitions/${name}`));
    }
    const text = JSON.stringify(definitions).replaceAll("#/components/schemas/", "#/definitions/");
    return {
      swagger: "2.0",
      info: { title: "Kubernetes", version: "v1.36.3" },
      paths,
      definitions: JSON.parse(text) as JsonObject,
    };
  }

  #schema(resource: Resource, schemas: JsonObject): string {
    const gvk = [{ group: resource.group, version: resource.version, kind: resource.kind }];
    const { struct } = resource.codec;
    if (struct !== undefined) {
      this.#struct(struct, schemas);
      const name = schemaName(struct);
      schemas[name] = { ...(schemas[name] as JsonObject), "x-kubernetes-group-version-kind": gvk };
      return name;
    }
    const reversed = resource.group.split(".").reverse().join(".");
    const name = `${reversed}.${resource.version}.${resource.kind}`;
    this.#struct("meta.v1.ObjectMeta", schemas);
    const given = this.#custom(resource.group, resource.version, resource.resource) ?? { type: "object" };
    const properties = {
      apiVersion: { type: "string" },
      kind: { type: "string" },
      ...(given["properties"] as JsonObject | undefined),
      metadata: { $ref: `#/components/schemas/${schemaName("meta.v1.ObjectMeta")}` },
    };
    schemas[name] = { ...given, properties, "x-kubernetes-group-version-kind": gvk };
    return name;
  }

  #struct(struct: string, schemas: JsonObject): void {
    const name = schemaName(struct);
    if (schemas[name] !== undefined) return;
    const schema: JsonObject = { type: "object", description: "" };
    schemas[name] = schema;
    const properties: JsonObject = {};
    const required: string[] = [];
    for (const field of this.#types.fields(struct).values()) {
      properties[field.name] = this.#property(field, schemas);
      if (!field.omitEmpty && !field.omitZero && field.type.is !== "pointer") required.push(field.name);
    }
    schema["properties"] = properties;
    if (required.length > 0) schema["required"] = required;
  }

  #property(field: GoField, schemas: JsonObject): JsonObject {
    const schema = this.#type(field.type, schemas);
    const strategy = [...(field.merge ? ["merge"] : []), ...(field.retainKeys ? ["retainKeys"] : [])].join(",");
    return {
      ...schema,
      ...(strategy === "" ? {} : { "x-kubernetes-patch-strategy": strategy }),
      ...(field.mergeKey === undefined ? {} : { "x-kubernetes-patch-merge-key": field.mergeKey }),
    };
  }

  #type(type: GoType, schemas: JsonObject): JsonObject {
    switch (type.is) {
      case "pointer":
        return this.#type(type.to, schemas);
      case "list":
        return { type: "array", items: this.#type(type.of, schemas) };
      case "map":
        return { type: "object", additionalProperties: this.#type(type.of, schemas) };
      case "struct":
        this.#struct(type.name, schemas);
        return { allOf: [{ $ref: `#/components/schemas/${schemaName(type.name)}` }] };
      case "scalar":
        return { ...(scalarSchemas[type.name] ?? { type: "object" }) };
    }
  }
}

const scalarSchemas: Readonly<Record<string, { readonly [key: string]: Json }>> = {
  string: { type: "string" },
  bool: { type: "boolean" },
  int: { type: "integer" },
  int32: { type: "integer", format: "int32" },
  int64: { type: "integer", format: "int64" },
  float64: { type: "number", format: "double" },
  bytes: { type: "string", format: "byte" },
  "meta.v1.Time": { type: "string", format: "date-time" },
  "meta.v1.MicroTime": { type: "string", format: "date-time" },
  "meta.v1.Duration": { type: "string" },
  "resource.Quantity": { type: "string" },
  "intstr.IntOrString": { type: "string", format: "int-or-string" },
};

function schemaName(struct: string): string {
  const [group = "", version = "", name = ""] = struct.split(".");
  if (group === "meta") return `io.k8s.apimachinery.pkg.apis.meta.${version}.${name}`;
  if (group === "apiextensions") return `io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.${version}.${name}`;
  return `io.k8s.api.${group}.${version}.${name}`;
}

/** The paths of a resource, each write with the parameters by which kubectl tells what the server can do. */
function pathsOf(resource: Resource, ref: string): JsonObject {
  const root = resource.group === "" ? `/api/${resource.version}` : `/apis/${resource.group}/${resource.version}`;
  const base = resource.namespaced
    ? `${root}/namespaces/{namespace}/${resource.resource}`
    : `${root}/${resource.resource}`;
  const gvk = { group: resource.group, version: resource.version, kind: resource.kind };
  const operation = (action: string): JsonObject => ({
    parameters: ["dryRun", "fieldManager", "fieldValidation"].map((name) => ({
      name,
      in: "query",
      schema: { type: "string", uniqueItems: true },
      type: "string",
    })),
    responses: { "200": { description: "OK", content: { "application/json": { schema: { $ref: ref } } } } },
    "x-kubernetes-action": action,
    "x-kubernetes-group-version-kind": gvk,
  });
  return {
    [base]: { get: operation("list"), post: operation("post") },
    [`${base}/{name}`]: {
      get: operation("get"),
      put: operation("put"),
      patch: operation("patch"),
      delete: operation("delete"),
    },
  };
}
