import type { KubeObject } from "./kind.ts";

/** A pair of annotations that together name a Secret. */
export interface SecretAnnotations {
  readonly name: string;
  readonly namespace: string;
}

/** The pair `<prefix>-name` and `<prefix>-namespace`. */
export function secretAnnotations(prefix: string): SecretAnnotations {
  return { name: `${prefix}-name`, namespace: `${prefix}-namespace` };
}

/**
 * The Secret that the annotations name, or nothing when neither is there.
 * Throws when only one of them is there, or one is empty.
 */
export function readSecretAnnotations(
  object: KubeObject,
  keys: SecretAnnotations,
): { name: string; namespace: string } | undefined {
  const name = object.metadata.annotations?.[keys.name];
  const namespace = object.metadata.annotations?.[keys.namespace];
  if (name === undefined && namespace === undefined) return undefined;
  if (!name || !namespace) throw new Error(`annotations ${keys.name} and ${keys.namespace} must both be set`);
  return { name, namespace };
}
