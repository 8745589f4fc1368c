import type { SnapshotMetadataService } from "../../../apis/cbt/index.ts";
import { Secret } from "../../../apis/core/index.ts";
import type { Kind, KubeObject } from "../../../apis/schema/index.ts";
import { VolumeSnapshot, VolumeSnapshotClass, VolumeSnapshotContent } from "../../../apis/snapshot/index.ts";
import { reviewAccess, reviewToken } from "../../../kube/authn/index.ts";
import { ApiError, isForbidden, type KubeClient, type ObjectRef } from "../../../kube/client/index.ts";
import type { Reader } from "../../../kube/informer/index.ts";
import { messageOf } from "../../../runtime/errors/index.ts";
import type { Logger } from "../../../runtime/log/index.ts";
import type { Reviewer } from "../admission/authorize.ts";
import { Refusal } from "../refusals.ts";
import type { CachedKinds } from "./caches.ts";
import type { BaseReads } from "./check-base.ts";
import type { ContentLists } from "./content-lists.ts";
import type { SecretReads } from "./secrets.ts";
import type { SnapshotReads } from "./target.ts";
import { trimContent } from "./trim.ts";

/** Every read of one call. */
export type MetadataReads = SnapshotReads & SecretReads & BaseReads;

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
export function liveReads(client: KubeClient, lists: ContentLists, read: Read): MetadataReads {
  const find = <T extends KubeObject>(kind: Kind<T>, ref: ObjectRef, signal: AbortSignal) =>
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
    contentsOf: (handle, signal) => read(VolumeSnapshotContent, "", signal, lists.fresh(handle, signal)),
  };
}

/** All contents, trimmed as in the cache. */
export async function listContents(client: KubeClient, signal: AbortSignal): Promise<VolumeSnapshotContent[]> {
  const { items } = await client.listAll(VolumeSnapshotContent, { signal });
  return items.map((each) => trimContent(each));
}

interface CachedParts {
  readonly caches: CachedKinds;
  readonly live: MetadataReads;
  readonly lists: ContentLists;
  readonly read: Read;
}

/** Reads from watch caches. Secrets are never cached: they are read live, for the call that needs them. */
export function cachedReads({ caches, live, lists, read }: CachedParts): MetadataReads {
  const find = <T extends KubeObject>(kind: Kind<T>, from: Reader<T>, ref: ObjectRef, signal: AbortSignal) =>
    read(kind, ref.name, signal, from.find(ref, { signal }));
  return {
    snapshot: (namespace, name, signal) => find(VolumeSnapshot, caches.snapshots, { namespace, name }, signal),
    content: (name, signal) => find(VolumeSnapshotContent, caches.contents, { name }, signal),
    snapshotClass: (name, signal) => find(VolumeSnapshotClass, caches.classes, { name }, signal),
    snapshotClasses: (signal) => read(VolumeSnapshotClass, "", signal, caches.classes.list({ signal })),
    secret: live.secret,
    contentsOf: async (handle, signal) =>
      caches.contentsOf(handle) ?? (await read(VolumeSnapshotContent, "", signal, lists.recent(handle, signal))),
  };
}

/** Waits for an answer of the API server, and makes a refusal of its error. */
export type Read = <T>(kind: Kind, name: string, signal: AbortSignal, answer: Promise<T>) => Promise<T>;

/**
 * A missing right is a matter of this server's role, and none of its caller's business: the log has the API server's
 * words, once for each kind.
 */
export function reading(log: Logger): Read {
  const told = new Set<string>();
  return (kind, name, signal, answer) =>
    answer.catch((cause: unknown) => {
      signal.throwIfAborted();
      const what = name === "" ? kind.plural : `${kind.kind} ${name}`;
      if (!isForbidden(cause)) {
        // Not the API server's words: they may quote what was read, and this message goes to the caller.
        throw new Refusal("readFailed", `${what} can not be read from the API server now; try again`, { cause });
      }
      if (!told.has(kind.kind)) log.warn({ kind: kind.kind, err: messageOf(cause) }, "the role lacks a right to read");
      told.add(kind.kind);
      throw new Refusal("readForbidden", `${what} can not be read: the role of this server lacks the right`, { cause });
    });
}

/** Tells the audience that tokens must be for; `live` looks past the cache. */
export type AudienceSource = (signal: AbortSignal, live?: boolean) => Promise<string>;

/**
 * The audience for tokens: the flag's, or the one in the SnapshotMetadataService object that has the driver's name. An
 * object without audience is refused: it would let every token pass.
 */
export function audienceFrom(
  driverName: () => string,
  services: Pick<Reader<SnapshotMetadataService>, "find" | "findLive">,
): AudienceSource {
  return async (signal, live = false) => {
    const name = driverName();
    const lookUp = (past: boolean) =>
      asked(
        `read of SnapshotMetadataService ${name}`,
        signal,
        past ? services.findLive({ name }, { signal }) : services.find({ name }, { signal }),
      );
    const cached = live ? undefined : await lookUp(false);
    const found = cached?.spec.audience ? cached : await lookUp(true);
    if (!found) throw new Refusal("noService", `SnapshotMetadataService ${name} does not exist`);
    if (!found.spec.audience) throw new Refusal("noService", `SnapshotMetadataService ${name} names no audience`);
    return found.spec.audience;
  };
}
