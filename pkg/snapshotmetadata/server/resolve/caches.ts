import { SnapshotMetadataService } from "../../../apis/cbt/index.ts";
import type { Kind, KubeObject } from "../../../apis/schema/index.ts";
import { VolumeSnapshot, VolumeSnapshotClass, VolumeSnapshotContent } from "../../../apis/snapshot/index.ts";
import type { Caches, Reader } from "../../../kube/informer/index.ts";
import { handlesOf } from "./check-base.ts";
import { trimClass, trimContent, trimService, trimSnapshot } from "./trim.ts";

/** The kinds that are kept by watch, each with live reads behind it. */
export interface CachedKinds {
  readonly snapshots: Reader<VolumeSnapshot>;
  readonly contents: Reader<VolumeSnapshotContent>;
  readonly classes: Reader<VolumeSnapshotClass>;
  readonly services: Reader<SnapshotMetadataService>;
  /** The contents that carry a handle; undefined while the cache can not tell. */
  contentsOf(handle: string): VolumeSnapshotContent[] | undefined;
}

export interface MetadataCaches extends CachedKinds {
  /** Keeps the caches current until the signal aborts. */
  run(signal: AbortSignal): Promise<void>;
}

/** Longer without a word from the API server than bookmarks are apart: what the cache lacks may well exist. */
const staleMs = 150_000;

const handleIndex = "handle";

/** The caches of one server. Services are watched only where the audience comes from them. */
export function metadataCaches(caches: Caches, { watchServices }: { readonly watchServices: boolean }): MetadataCaches {
  const watched: { run(signal: AbortSignal): Promise<void> }[] = [];
  const reader = <T extends KubeObject>(kind: Kind<T>, transform: (object: T) => T, watch = true): Reader<T> => {
    if (watch) watched.push(caches.informer(kind, { transform }));
    return caches.reader(kind, { transform });
  };
  const contents = caches.informer(VolumeSnapshotContent, {
    transform: trimContent,
    indexes: { [handleIndex]: handlesOf },
  });
  return {
    contentsOf: (handle) =>
      contents.hasSynced() && contents.stalenessMs() < staleMs ? contents.byIndex(handleIndex, handle) : undefined,
    snapshots: reader(VolumeSnapshot, trimSnapshot),
    contents: reader(VolumeSnapshotContent, trimContent),
    classes: reader(VolumeSnapshotClass, trimClass),
    services: reader(SnapshotMetadataService, trimService, watchServices),
    run: async (signal) => void (await Promise.all(watched.map((each) => each.run(signal)))),
  };
}
