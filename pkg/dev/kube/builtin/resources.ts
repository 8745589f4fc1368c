import type { Faults } from "../faults.ts";
import { apiVersion, type Resource, type Subresource } from "../registry/resource.ts";
import { quote } from "../wire/go-text.ts";
import { textAt } from "../wire/json.ts";
import { type BuiltinKind, builtinStrategy, statusStrategy } from "./built-in-kind.ts";
import { builtinCodec } from "./codec.ts";
import { builtinColumns, plainColumns } from "./columns.ts";
import { decodeBuiltin } from "./decode.ts";
import { type DiscoveredResource, discoveredResources, type GoTypes } from "./go-types.ts";
import { eventFromStored, eventToStored } from "./kinds/events.ts";

/** The served form of a built-in kind: what discovery says of it, joined with its rules. */
export function builtinResource(kind: BuiltinKind, types: GoTypes, faults: Faults): Resource {
  const version = "v1";
  const mine = discoveredResources.filter(
    (each) => each.in === kind.group && each.name.split("/")[0] === kind.resource,
  );
  const main = mine.find((each) => each.name === kind.resource);
  if (main === undefined) throw new Error(`discovery does not know ${kind.resource}`);
  // Definitions keep their defaults: without them no custom kind could be made at all.
  const isBare = faults["no-defaulting"] === true && kind.group !== "apiextensions.k8s.io";
  const events = kind.resource === "events" && kind.group !== "";
  return {
    group: kind.group,
    version,
    resource: kind.resource,
    singular: main.singularName,
    kind: main.kind,
    listKind: `${main.kind}List`,
    namespaced: main.namespaced,
    verbs: main.verbs,
    shortNames: main.shortNames ?? [],
    categories: main.categories ?? [],
    storageHash: main.storageVersionHash ?? "",
    custom: false,
    storedIn: { group: kind.resource === "events" ? "" : kind.group, resource: kind.resource },
    codec: builtinCodec(types, {
      struct: kind.struct,
      apiVersion: apiVersion({ group: kind.group, version }),
      kind: main.kind,
      ...(kind.defaults && !isBare ? { defaults: kind.defaults } : {}),
      ...(events ? { toStored: eventToStored, fromStored: eventFromStored } : {}),
    }),
    strategy: builtinStrategy(kind, main.namespaced, faults["mutable-immutables"] === true),
    subresources: mine.filter((each) => each !== main).map((each) => subresource(kind, each)),
    columns: builtinColumns[kind.resource] ?? plainColumns,
    fields: kind.fields ?? {},
    blank: (meta) => ({
      kind: main.kind,
      apiVersion: apiVersion({ group: kind.group, version }),
      ...decodeBuiltin(types, kind.struct, { metadata: meta }).object,
    }),
    unknownField:
      kind.unknownField ??
      ((field) => `${quote(field)} is not a known field selector: only "metadata.name", "metadata.namespace"`),
  };
}

function subresource(kind: BuiltinKind, found: DiscoveredResource): Subresource {
  const name = found.name.split("/")[1] ?? "";
  return {
    name,
    verbs: found.verbs,
    kind: found.kind,
    ...(found.group === undefined ? {} : { group: found.group }),
    ...(found.version === undefined ? {} : { version: found.version }),
    ...(name === "status" ? { strategy: statusStrategy(kind) } : {}),
    ...(name === "finalize" ? { strategy: finalizeStrategy(kind) } : {}),
  };
}

/** Namespaces give up their last finalizer only here. */
function finalizeStrategy(kind: BuiltinKind): NonNullable<Subresource["strategy"]> {
  return {
    ...statusStrategy(kind),
    prepareUpdate(next, old) {
      const status = old["status"];
      if (status !== undefined) next["status"] = status;
      if (textAt(next, "metadata", "name") === "") throw new Error("a namespace without a name");
    },
  };
}
