import type { VolumeSnapshotContent } from "../../apis/snapshot/index.ts";
import type { Clock } from "../../runtime/timing/index.ts";
import { handlesOf } from "./check-base.ts";

/** Contents by the handles they carry. */
type ByHandle = ReadonlyMap<string, readonly VolumeSnapshotContent[]>;

/** Live lists of all contents, shared by the calls that need one: however many calls, at most two are under way. */
export interface ContentLists {
  /** From a list that is at most `shareMs` old. */
  recent(handle: string): Promise<readonly VolumeSnapshotContent[]>;
  /** From a list that was begun after this call. */
  fresh(handle: string): Promise<readonly VolumeSnapshotContent[]>;
}

export interface ContentListsOptions {
  readonly list: () => Promise<readonly VolumeSnapshotContent[]>;
  readonly shareMs: number;
  readonly clock: Clock;
}

export function contentLists({ list, shareMs, clock }: ContentListsOptions): ContentLists {
  /** The latest list begun, which may be on its way. */
  let latest: { readonly begunMs: number; readonly contents: Promise<ByHandle> } | undefined;
  /** The list that will begin when the one under way has ended. */
  let next: Promise<ByHandle> | undefined;
  let busy: Promise<unknown> | undefined;

  const begin = (): Promise<ByHandle> => {
    const mine = { begunMs: clock.monotonic(), contents: list().then(byHandle) };
    latest = mine;
    const over = (): void => {
      busy = undefined;
      // It holds all contents of the cluster: no longer than it is of use.
      void clock.sleep(shareMs).then(() => {
        if (latest === mine) latest = undefined;
      });
    };
    busy = mine.contents.then(over, () => {
      if (latest === mine) latest = undefined;
      busy = undefined;
    });
    return mine.contents;
  };
  const fresh = (): Promise<ByHandle> => {
    if (busy === undefined) return begin();
    next ??= busy.then(() => {
      next = undefined;
      return begin();
    });
    return next;
  };
  const recent = (): Promise<ByHandle> => {
    if (latest !== undefined && clock.monotonic() - latest.begunMs < shareMs) return latest.contents;
    return fresh();
  };
  return {
    recent: async (handle) => (await recent()).get(handle) ?? [],
    fresh: async (handle) => (await fresh()).get(handle) ?? [],
  };
}

function byHandle(contents: readonly VolumeSnapshotContent[]): ByHandle {
  const map = new Map<string, VolumeSnapshotContent[]>();
  for (const content of contents) {
    for (const handle of handlesOf(content)) {
      const same = map.get(handle);
      if (same) same.push(content);
      else map.set(handle, [content]);
    }
  }
  return map;
}
