import type { Column } from "../tables/columns.ts";
import type { FieldError } from "../wire/field-error.ts";
import type { JsonObject } from "../wire/json.ts";
import type { GroupResource } from "../wire/status.ts";
import type { Call } from "./context.ts";

/** What decoding a body gave: the object in stored form, and the strict complaints. */
export interface ReadObject {
  readonly object: JsonObject;
  readonly strict: readonly string[];
}

/** Between JSON on the wire and JSON in the store, for one served version. */
export interface Codec {
  /** Reads what a client sent. Throws an Error with the decoder's words when it does not fit. */
  read(value: JsonObject): ReadObject;
  /** The stored object as this version shows it. Must not change its argument. */
  write(stored: JsonObject): JsonObject;
  /** Name of the Go type for strategic merge patches; absent where there are none. */
  readonly struct?: string;
}

/** The rules of one resource. Functions may change `next`, never `old`. */
export interface Strategy {
  /** PUT without a resourceVersion overwrites. */
  readonly unconditionalUpdate: boolean;
  /** PUT to a free name creates. */
  readonly createOnUpdate: boolean;
  /** Mutating admission and what the registry fills in. Throws ApiFailure. */
  prepareCreate(next: JsonObject, call: Call): void;
  validateCreate(next: JsonObject, call: Call): readonly FieldError[];
  prepareUpdate(next: JsonObject, old: JsonObject, call: Call): void;
  validateUpdate(next: JsonObject, old: JsonObject, call: Call): readonly FieldError[];
  warnings?(next: JsonObject, old: JsonObject | undefined): readonly string[];
  /** Seconds of grace for a deletion, or undefined when the object goes at once. */
  grace?(object: JsonObject, asked: number | undefined): number | undefined;
  /** Marks an object for deletion in its own way, in place of the usual one. */
  markDeletion?(object: JsonObject): void;
  /** Runs before anything is deleted; throws ApiFailure to refuse. */
  guardDelete?(object: JsonObject, call: Call): void;
  /** Runs before create and update are prepared; throws ApiFailure to refuse. */
  guardWrite?(next: JsonObject, old: JsonObject | undefined, call: Call): void;
  /** True when an object marked for deletion must stay although it has no finalizers. */
  mustStay?(next: JsonObject): boolean;
  /** Puts what the read path shows but storage does not keep. */
  afterCreate?(object: JsonObject): void;
  /** What a deletion answers: the object (true) or a Status (false, the usual). */
  readonly returnsDeleted?: boolean;
}

/** A part of an object with its own rules, such as `status`. */
export interface Subresource {
  readonly name: string;
  readonly verbs: readonly string[];
  readonly kind: string;
  readonly group?: string;
  readonly version?: string;
  /** Absent where the server answers the subresource by other means. */
  readonly strategy?: Strategy;
}

/** One served version of one resource. */
export interface Resource extends GroupResource {
  readonly group: string;
  readonly version: string;
  readonly resource: string;
  readonly singular: string;
  readonly kind: string;
  readonly listKind: string;
  readonly namespaced: boolean;
  readonly verbs: readonly string[];
  readonly shortNames: readonly string[];
  readonly categories: readonly string[];
  readonly storageHash: string;
  readonly custom: boolean;
  /** Where the objects lie: events of both groups lie together. */
  readonly storedIn: GroupResource;
  readonly codec: Codec;
  readonly strategy: Strategy;
  readonly subresources: readonly Subresource[];
  readonly columns: readonly Column[];
  /** Selectable fields beyond metadata.name and metadata.namespace, with their values in the stored object. */
  readonly fields: Readonly<Record<string, (stored: JsonObject) => string>>;
  /** An object that carries nothing but this metadata, as bookmarks do. */
  blank(meta: JsonObject): JsonObject;
  /** The warning that every request for a deprecated version gets. */
  readonly deprecation?: string;
  /** The complaint about a field selector that this resource does not know. */
  unknownField(field: string): string;
}

export function apiVersion(resource: { readonly group: string; readonly version: string }): string {
  return resource.group === "" ? resource.version : `${resource.group}/${resource.version}`;
}
