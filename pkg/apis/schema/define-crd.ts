import * as z from "zod";
import type { PrinterColumn } from "./custom-resource-definition.ts";
import { text } from "./fields.ts";
import type { Kind, KubeObject } from "./kind.ts";
import { metadata } from "./metadata.ts";
import { detailsOf, unwrap } from "./rule.ts";

/** One version of a kind of ours. */
export interface VersionDefinition<S extends z.ZodObject = z.ZodObject> {
  readonly served: boolean;
  /** True for exactly one version of a kind. */
  readonly storage: boolean;
  /** Built by `object`: everything but apiVersion, kind and metadata. */
  readonly schema: S;
  readonly subresources?: { readonly status?: true };
  readonly printerColumns?: readonly PrinterColumn[];
  /** The warning that clients of this version get. */
  readonly deprecated?: string;
}

export interface CrdDefinition<V extends Record<string, VersionDefinition> = Record<string, VersionDefinition>> {
  readonly group: string;
  readonly kind: string;
  readonly plural: string;
  readonly singular?: string;
  readonly shortNames?: readonly string[];
  readonly scope: "Namespaced" | "Cluster";
  readonly versions: V;
  /** Of the CustomResourceDefinition itself, such as `api-approved.kubernetes.io`. */
  readonly annotations?: Readonly<Record<string, string>>;
}

/** A kind whose schema is ours: type, checks and manifest come from `definition`. */
export interface Crd<T extends KubeObject = KubeObject> extends Kind<T> {
  readonly definition: CrdDefinition;
  /** Of whole objects: what the version says, and what every object has. */
  readonly schema: z.ZodObject;
}

/** The objects of a version. */
export type VersionObject<D extends VersionDefinition> = KubeObject & z.output<D["schema"]>;

/**
 * Defines a kind once. `version` is the one that our programs speak: the type of the objects is its type.
 * Throws when the definition is not structural or not exactly one version is the stored one.
 */
export function defineCrd<V extends Record<string, VersionDefinition>, const N extends keyof V & string>(
  definition: CrdDefinition<V> & { readonly version: N },
): Crd<VersionObject<V[N]>> {
  const stored = Object.values(definition.versions).filter((each) => each.storage);
  if (stored.length !== 1) throw new Error(`${definition.kind}: exactly one version must be stored`);
  const { version, ...rest } = definition;
  return at<VersionObject<V[N]>>(rest, version);
}

/** The same kind in another of its versions. Throws when there is no such version. */
export function inVersion(crd: Crd, version: string): Crd {
  return at(crd.definition, version);
}

function at<T extends KubeObject>(definition: CrdDefinition, version: string): Crd<T> {
  const schema = wholeSchema(definition, version);
  const int64 = int64Paths(schema, "");
  return {
    group: definition.group,
    version,
    kind: definition.kind,
    plural: definition.plural,
    namespaced: definition.scope === "Namespaced",
    definition,
    schema,
    ...(int64.length === 0 ? {} : { int64 }),
  };
}

function wholeSchema({ kind, versions }: CrdDefinition, version: string): z.ZodObject {
  const found = versions[version];
  if (found === undefined) throw new Error(`${kind} has no version ${version}`);
  const own = found.schema;
  return own
    .extend({
      apiVersion: z.exactOptional(text("Group and version of this representation of the object.")),
      kind: z.exactOptional(text("The kind of the object; it can not be changed.")),
      metadata: metadata.meta({ crd: { opaque: true } }),
    })
    .meta(own.meta() ?? {});
}

/** Where a value has fields that are bigint in memory; see `Kind.int64`. */
function int64Paths(field: z.core.$ZodType, path: string): string[] {
  const inner = unwrap(field);
  if (detailsOf(inner).int64) return [path];
  const { def } = (inner as z.core.$ZodTypes)._zod;
  switch (def.type) {
    case "object":
      return Object.entries(def.shape).flatMap(([name, child]) =>
        int64Paths(child, path === "" ? name : `${path}.${name}`),
      );
    case "array":
      return int64Paths(def.element, `${path}[]`);
    case "record":
      return int64Paths(def.valueType, `${path}{}`);
    default:
      return [];
  }
}
