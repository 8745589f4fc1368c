/** Fields of metav1.ObjectMeta that we use. Times are RFC 3339 strings. */
export interface ObjectMeta {
  name?: string;
  namespace?: string;
  generateName?: string;
  uid?: string;
  resourceVersion?: string;
  generation?: number;
  creationTimestamp?: string;
  deletionTimestamp?: string;
  deletionGracePeriodSeconds?: number;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  finalizers?: string[];
  ownerReferences?: OwnerReference[];
  managedFields?: unknown[];
}

export interface OwnerReference {
  apiVersion: string;
  kind: string;
  name: string;
  uid: string;
  controller?: boolean;
  blockOwnerDeletion?: boolean;
}

/** Any object of the API. */
export interface KubeObject {
  apiVersion?: string;
  kind?: string;
  metadata: ObjectMeta;
}

/** Names one kind of the API and, by its type parameter, the shape of its objects. Plain data. */
export interface Kind<T extends KubeObject = KubeObject> {
  /** Empty for the core group. */
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly plural: string;
  readonly namespaced: boolean;
  /**
   * For a kind that exists only as a subresource: its path is that of an object of `parent`, then `name`.
   * TokenRequest is the `token` of a ServiceAccount.
   */
  readonly subresourceOf?: { readonly parent: Kind; readonly name: string };
  /** Dotted paths of int64 fields; `[]` follows a list. Their values are bigint; see `withInt64`. */
  readonly int64?: readonly string[];
  /** Present only in the type system. */
  readonly object?: T;
}

export type ObjectOf<K> = K extends Kind<infer T> ? T : never;

/** `v1` or `group/version`, as objects carry it. */
export function apiVersionOf(kind: Pick<Kind, "group" | "version">): string {
  return kind.group === "" ? kind.version : `${kind.group}/${kind.version}`;
}

/** What tells one built-in kind from another; `namespaced` is assumed unless said otherwise. */
export interface KindNames {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly plural: string;
  readonly namespaced?: boolean;
  readonly subresourceOf?: { readonly parent: Kind; readonly name: string };
}

/** Names a kind whose schema belongs to the API server; `T` lists the fields that we use. */
export function builtIn<T extends KubeObject>(names: KindNames): Kind<T> {
  return { namespaced: true, ...names };
}
