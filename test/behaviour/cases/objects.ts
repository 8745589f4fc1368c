import type { Doc } from "../suite/doc.ts";
import type { Answer } from "../suite/session.ts";

/** A ConfigMap with data. */
export function map(name: string, data: object = { k: "1" }, metadata: object = {}): object {
  return { metadata: { name, ...metadata }, data };
}

/** A Widget; a size is all that it must have. */
export function widget(name: string, spec: object = {}, metadata: object = {}): object {
  return { metadata: { name, ...metadata }, spec: { size: 1, ...spec } };
}

/** A Gauge, the kind with rules. */
export function gauge(name: string, spec: object): object {
  return { metadata: { name }, spec };
}

/** The object with its spec changed in part. */
export function withSpec(object: Doc, spec: object): Doc {
  return { ...object, spec: { ...(object["spec"] as object | undefined), ...spec } };
}

/** The object with its metadata changed in part. */
export function withMeta(object: Doc, metadata: object): Doc {
  return { ...object, metadata: { ...object.metadata, ...metadata } };
}

/** resourceVersion of what was answered. */
export function versionOf({ body }: Answer): string {
  return body.metadata?.resourceVersion ?? "none";
}

/** uid of what was answered. */
export function uidOf({ body }: Answer): string {
  return body.metadata?.uid ?? "none";
}
