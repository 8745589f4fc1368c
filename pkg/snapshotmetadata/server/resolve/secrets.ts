import type { Secret } from "../../../apis/core/index.ts";
import type { VolumeSnapshotClass } from "../../../apis/snapshot/index.ts";
import {
  deletionSecretAnnotations,
  type SecretKeys,
  type SecretRef,
  SecretRefError,
  secretRefFrom,
  snapshotTokens,
  snapshotterSecret,
} from "../../../storage/secrets/index.ts";
import { Refusal } from "../refusals.ts";
import type { ReadySnapshot } from "./target.ts";

/** Reads that secrets need; `undefined` means the object does not exist. */
export interface SecretReads {
  snapshotClass(name: string, signal: AbortSignal): Promise<VolumeSnapshotClass | undefined>;
  snapshotClasses(signal: AbortSignal): Promise<readonly VolumeSnapshotClass[]>;
  secret(ref: SecretRef, signal: AbortSignal): Promise<Secret | undefined>;
}

/** Marks the class of a driver that is meant when none is named. */
export const defaultClassAnnotation = "snapshot.storage.kubernetes.io/is-default-class";

/**
 * The secrets to hand to the driver with a call for this snapshot, decoded; empty when none are named.
 *
 * Looked for in this order: the snapshot's class, the content's class, the secret annotations that were frozen on the
 * content, the driver's default class. A snapshot whose class is gone, or that never had one, needs no secret unless one
 * of these names it. (The original refuses a call without class when the default class is missing or ambiguous.)
 *
 * With a role that can not read classes, as the original's, the annotations alone must do. They do for every content
 * that a snapshot controller made: it freezes there what the class said. A content that a person made may lack them, so
 * there a class that is named must be readable.
 *
 * @throws Refusal `secretUnresolved` when a secret is named wrongly or does not exist.
 */
export async function resolveSecrets(
  reads: SecretReads,
  ready: ReadySnapshot,
  signal: AbortSignal,
): Promise<Readonly<Record<string, string>>> {
  const ref = await findRef(reads, ready, signal);
  if (!ref) return {};
  const secret = await reads.secret(ref, signal);
  if (!secret) {
    throw new Refusal("secretUnresolved", `Secret ${ref.namespace}/${ref.name} of ${ofSnapshot(ready)} does not exist`);
  }
  const entries = Object.entries(secret.data ?? {});
  return Object.fromEntries(entries.map(([key, value]) => [key, Buffer.from(value, "base64").toString("utf8")]));
}

async function findRef(reads: SecretReads, ready: ReadySnapshot, signal: AbortSignal): Promise<SecretRef | undefined> {
  const { snapshot, content } = ready;
  const named = [snapshot.spec.volumeSnapshotClassName, content.spec.volumeSnapshotClassName];
  let unreadable: Refusal | undefined;
  for (const name of new Set(named)) {
    const found = name ? await unlessForbidden(reads.snapshotClass(name, signal)) : undefined;
    if (found instanceof Refusal) unreadable = found;
    else if (found) return refOf(ready, found.parameters ?? {}, snapshotterSecret, `VolumeSnapshotClass ${name}`);
  }
  const frozen = refOf(
    ready,
    content.metadata.annotations ?? {},
    deletionSecretAnnotations,
    `VolumeSnapshotContent ${content.metadata.name ?? ""}`,
  );
  if (frozen) return frozen;
  const madeByController = content.spec.source.volumeHandle !== undefined;
  if (unreadable && !madeByController) throw unreadable;
  return named.some(Boolean) ? undefined : await defaultRef(reads, ready, signal);
}

async function defaultRef(
  reads: SecretReads,
  ready: ReadySnapshot,
  signal: AbortSignal,
): Promise<SecretRef | undefined> {
  const classes = await unlessForbidden(reads.snapshotClasses(signal));
  if (classes instanceof Refusal) return undefined;
  const fallback = onlyDefault(classes, ready.content.spec.driver);
  if (!fallback) return undefined;
  const holder = `default VolumeSnapshotClass ${fallback.metadata.name ?? ""}`;
  return refOf(ready, fallback.parameters ?? {}, snapshotterSecret, holder);
}

/** The answer, or the refusal when this server's role is what stands in the way. */
async function unlessForbidden<T>(answer: Promise<T>): Promise<T | Refusal> {
  return await answer.catch((thrown: unknown) => {
    if (thrown instanceof Refusal && thrown.reason === "readForbidden") return thrown;
    throw thrown;
  });
}

/** The default class of a driver, when it is the only one: of several, none is more right than another. */
function onlyDefault(classes: readonly VolumeSnapshotClass[], driver: string): VolumeSnapshotClass | undefined {
  const defaults = classes.filter(
    (each) => each.driver === driver && each.metadata.annotations?.[defaultClassAnnotation] === "true",
  );
  return defaults.length === 1 ? defaults[0] : undefined;
}

function refOf(
  ready: ReadySnapshot,
  values: Readonly<Record<string, string>>,
  keys: SecretKeys,
  holder: string,
): SecretRef | undefined {
  const { name = "", namespace = "" } = ready.snapshot.metadata;
  try {
    return secretRefFrom(values, keys, snapshotTokens({ name, namespace }, ready.content.metadata.name ?? ""));
  } catch (thrown) {
    if (!(thrown instanceof SecretRefError)) throw thrown;
    throw new Refusal("secretUnresolved", `${holder}: ${thrown.message}`);
  }
}

const ofSnapshot = ({ snapshot }: ReadySnapshot): string =>
  `VolumeSnapshot ${snapshot.metadata.namespace ?? ""}/${snapshot.metadata.name ?? ""}`;
