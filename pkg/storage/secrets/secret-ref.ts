/** Names the Secret that a class wants handed to the driver. */
export interface SecretRef {
  readonly name: string;
  readonly namespace: string;
}

/** The parameter keys that name one secret of a class, without values. */
export interface SecretKeys {
  readonly name: string;
  readonly namespace: string;
}

/** Keys of the secret for creating, deleting and reading snapshots (external-snapshotter, class parameters). */
export const snapshotterSecret: SecretKeys = {
  name: "csi.storage.k8s.io/snapshotter-secret-name",
  namespace: "csi.storage.k8s.io/snapshotter-secret-namespace",
};

/** Keys of the annotations on a VolumeSnapshotContent that freeze the secret for later calls. */
export const deletionSecretAnnotations: SecretKeys = {
  name: "snapshot.storage.kubernetes.io/deletion-secret-name",
  namespace: "snapshot.storage.kubernetes.io/deletion-secret-namespace",
};

/** What the `${…}` tokens of a template stand for. A token that is absent here is refused. */
export interface SecretTokens {
  readonly name: Readonly<Record<string, string>>;
  readonly namespace: Readonly<Record<string, string>>;
}

/** The tokens of snapshot secrets: the namespace template may not use the snapshot's own name. */
export function snapshotTokens(snapshot: { name: string; namespace: string }, contentName: string): SecretTokens {
  const shared = {
    "volumesnapshotcontent.name": contentName,
    "volumesnapshot.namespace": snapshot.namespace,
  };
  return { name: { ...shared, "volumesnapshot.name": snapshot.name }, namespace: shared };
}

/** A secret reference that can not be followed; the message names the key and what it holds. */
export class SecretRefError extends Error {
  override readonly name = "SecretRefError";
}

/**
 * The secret that these parameters (or annotations) name, or nothing when neither key is there.
 *
 * @throws SecretRefError when one key stands alone, a value is empty, a token is unknown, or a result is no valid name.
 */
export function secretRefFrom(
  values: Readonly<Record<string, string>>,
  keys: SecretKeys,
  tokens: SecretTokens,
): SecretRef | undefined {
  const name = values[keys.name];
  const namespace = values[keys.namespace];
  if (name === undefined && namespace === undefined) return undefined;
  if (name === undefined) throw new SecretRefError(`${keys.namespace} is set but ${keys.name} is missing`);
  if (namespace === undefined) throw new SecretRefError(`${keys.name} is set but ${keys.namespace} is missing`);
  const ref = {
    name: expand(keys.name, name, tokens.name),
    namespace: expand(keys.namespace, namespace, tokens.namespace),
  };
  if (!isDnsSubdomain(ref.name)) {
    throw new SecretRefError(`${keys.name} resolves to "${ref.name}", which is not a DNS subdomain`);
  }
  if (!isDnsLabel(ref.namespace)) {
    throw new SecretRefError(`${keys.namespace} resolves to "${ref.namespace}", which is not a DNS label`);
  }
  return ref;
}

// Shell style, as the originals expand them: ${token}, $token, and the one-character specials.
const tokenPattern = /\$(?:\{([^}]*)\}|([A-Za-z_][A-Za-z0-9_]*|[*#$@!?0-9-]))/g;

function expand(key: string, template: string, tokens: Readonly<Record<string, string>>): string {
  if (template === "") throw new SecretRefError(`${key} is empty`);
  return template.replace(tokenPattern, (whole: string, braced?: string, bare?: string) => {
    const token = braced ?? bare ?? "";
    if (!Object.hasOwn(tokens, token)) {
      const known = Object.keys(tokens).map((each) => `\${${each}}`);
      throw new SecretRefError(`${key} uses unknown token ${whole}; known are ${known.join(", ")}`);
    }
    return tokens[token] ?? "";
  });
}

const label = "[a-z0-9]([-a-z0-9]*[a-z0-9])?";
const labelPattern = new RegExp(`^${label}$`);
const subdomainPattern = new RegExp(`^${label}(\\.${label})*$`);

/** RFC 1123 label: at most 63 lower-case characters, as namespaces are named. */
export function isDnsLabel(text: string): boolean {
  return text.length <= 63 && labelPattern.test(text);
}

/** RFC 1123 subdomain: at most 253 characters, as most objects are named. */
export function isDnsSubdomain(text: string): boolean {
  return text.length <= 253 && subdomainPattern.test(text);
}
