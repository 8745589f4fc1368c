import type { SnapshotMetadataService } from "../../apis/cbt/index.ts";
import { Secret } from "../../apis/core/index.ts";
import type { Kind, KubeObject } from "../../apis/schema/index.ts";
import { VolumeSnapshot, VolumeSnapshotClass, VolumeSnapshotContent } from "../../apis/snapshot/index.ts";
import { reviewAccess, reviewToken } from "../../kube/authn/index.ts";
import { ApiError, type KubeClient } from "../../kube/client/index.ts";
import type { Caches, Reader } from "../../kube/informer/index.ts";
import { messageOf } from "../../runtime/errors/index.ts";
import type { Reviewer } from "./authorize.ts";
import { Refusal } from "./refusals.ts";
import type { SecretReads } from "./resolve-secrets.ts";
import type { SnapshotReads } from "./resolve-target.ts";

/** Every read of one call. */
export type MetadataReads = SnapshotReads & SecretReads;

/** Token and access reviews by the API server; nothing is remembered. */
export function kubeReviewer(client: KubeClient): Reviewer {
  return {
    reviewToken: (question, signal) => asked("token review", signal, reviewToken(client, question, { signal })),
    reviewAccess: (question, signal) => asked("access review", signal, reviewAccess(client, question, { signal })),
  };
}

/** An API server that says no is a matter of this server's role; one that says nothing will be there again. */
async function asked<T>(what: string, signal: AbortSignal, answer: Promise<T>): Promise<T> {
  return await answer.catch((cause: unknown) => {
    signal.throwIfAborted();
    const refused = cause instanceof ApiError && cause.status < 500 && cause.status !== 429;
    if (refused) throw new Refusal("reviewForbidden", `the API server refuses this server's ${what}`, { cause });
    throw new Refusal("reviewFailed", `the API server did not answer the ${what}; try again`, { cause });
  });
}

/** Reads straight from the API server. */
export function liveReads(client: KubeClient): MetadataReads {
  const find = <T extends KubeObject>(kind: Kind<T>, ref: { name: string; namespace?: string }, signal: AbortSignal) =>
    read(kind, ref.name, signal, client.find(kind, ref, { signal }));
  return {
    snapshot: (namespace, name, signal) => find(VolumeSnapshot, { namespace, name }, signal),
    content: (name, signal) => find(VolumeSnapshotContent, { name }, signal),
    snapshotClass: (name, signal) => find(VolumeSnapshotClass, { name }, signal),
    snapshotClasses: async (signal) => {
      const { items } = await read(VolumeSnapshotClass, "", signal, client.listAll(VolumeSnapshotClass, { signal }));
      return items;
    },
    secret: (ref, signal) => find(Secret, ref, signal),
  };
}

/** Reads from watch caches. Secrets are never cached: they are read live, for the call that needs them. */
export function cachedReads(client: KubeClient, caches: Caches): MetadataReads {
  const snapshots = caches.reader(VolumeSnapshot);
  const contents = caches.reader(VolumeSnapshotContent);
  const classes = caches.reader(VolumeSnapshotClass);
  return {
    snapshot: (namespace, name, signal) => find(VolumeSnapshot, snapshots, { namespace, name }, signal),
    content: (name, signal) => find(VolumeSnapshotContent, contents, { name }, signal),
    snapshotClass: (name, signal) => find(VolumeSnapshotClass, classes, { name }, signal),
    snapshotClasses: (signal) => read(VolumeSnapshotClass, "", signal, classes.list({ signal })),
    secret: liveReads(client).secret,
  };
}

const find = <T extends KubeObject>(
  kind: Kind<T>,
  reader: Reader<T>,
  ref: { name: string; namespace?: string },
  signal: AbortSignal,
): Promise<T | undefined> => read(kind, ref.name, signal, reader.find(ref, { signal }));

async function read<T>(kind: Kind, name: string, signal: AbortSignal, answer: Promise<T>): Promise<T> {
  return await answer.catch((cause: unknown) => {
    signal.throwIfAborted();
    throw new Refusal("readFailed", `${kind.kind} ${name} can not be read: ${messageOf(cause)}`, { cause });
  });
}

/**
 * The audience for tokens: the flag's, or the one in the SnapshotMetadataService object that has the driver's name. An
 * object without audience is refused: it would let every token pass.
 */
export function audienceFrom(
  flag: string,
  driverName: () => string,
  services: Pick<Reader<SnapshotMetadataService>, "find" | "findLive">,
): (signal: AbortSignal) => Promise<string> {
  if (flag !== "") return async () => flag;
  return async (signal) => {
    const name = driverName();
    const lookUp = (live: boolean) =>
      asked(
        `read of SnapshotMetadataService ${name}`,
        signal,
        live ? services.findLive({ name }, { signal }) : services.find({ name }, { signal }),
      );
    const found = (await lookUp(false)) ?? (await lookUp(true));
    if (!found) throw new Refusal("noService", `SnapshotMetadataService ${name} does not exist`);
    if (!found.spec.audience) throw new Refusal("noService", `SnapshotMetadataService ${name} names no audience`);
    return found.spec.audience;
  };
}
