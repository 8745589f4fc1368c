import type { VolumeSnapshotContent } from "../../../apis/snapshot/index.ts";
import { abortable, type Clock } from "../../../runtime/timing/index.ts";
import { handlesOf } from "./check-base.ts";

/** Contents by the handles they carry. */
type ByHandle = ReadonlyMap<string, readonly VolumeSnapshotContent[]>;

/**
 * Live lists of all contents, shared by the calls that need one: however many calls, at most two are under way. A list
 * is large, and a handle of another namespace is enough to need one: after each there is a rest, so that callers who ask
 * for nothing else take a tenth of the time and leave nine for others. One that nobody waits for any more is given up, so
 * that an API server that does not answer costs a caller its own time only.
 */
export interface ContentLists {
  /** From a list that is at most `shareMs` old. */
  recent(handle: string, signal: AbortSignal): Promise<readonly VolumeSnapshotContent[]>;
  /** From a list that was begun after this call. */
  fresh(handle: string, signal: AbortSignal): Promise<readonly VolumeSnapshotContent[]>;
}

export interface ContentListsOptions {
  readonly list: (signal: AbortSignal) => Promise<readonly VolumeSnapshotContent[]>;
  readonly shareMs: number;
  readonly clock: Clock;
}

/** How much longer than a list the rest after it is; `shareMs` at most, for who waits may be in the right. */
const restFactor = 9;

/** A list that was begun. */
interface Begun {
  readonly begunMs: number;
  readonly contents: Promise<ByHandle>;
  readonly stop: AbortController;
  waiting: number;
  over: boolean;
}

/** The list that will begin when the one under way has ended and the rest is over, if anybody still waits for it then. */
interface Next {
  waiting: number;
  readonly begun: Promise<Begun | undefined>;
}

export function contentLists({ list, shareMs, clock }: ContentListsOptions): ContentLists {
  /** The latest list begun, which may be on its way. */
  let latest: Begun | undefined;
  let next: Next | undefined;
  /** Settles when the list under way has ended and the rest after it is over. */
  let busy: Promise<void> | undefined;

  const forget = (one: Begun): void => {
    if (latest === one) latest = undefined;
  };
  const begin = (): Begun => {
    const stop = new AbortController();
    const contents = list(stop.signal).then(byHandle);
    const mine: Begun = { begunMs: clock.monotonic(), contents, stop, waiting: 0, over: false };
    latest = mine;
    const end = async (): Promise<void> => {
      mine.over = true;
      const tookMs = clock.monotonic() - mine.begunMs;
      if (tookMs > 0) await clock.sleep(Math.min(restFactor * tookMs, shareMs));
      busy = undefined;
    };
    busy = contents.then(
      () => {
        // It holds all contents of the cluster: no longer than it is of use.
        void clock.sleep(shareMs).then(() => forget(mine));
        return end();
      },
      () => {
        forget(mine);
        return end();
      },
    );
    return mine;
  };
  const waitFor = async (one: Begun, handle: string, signal: AbortSignal) => {
    one.waiting += 1;
    try {
      return (await abortable(one.contents, signal)).get(handle) ?? [];
    } finally {
      one.waiting -= 1;
      if (one.waiting === 0 && !one.over) {
        forget(one);
        one.stop.abort(signal.reason);
      }
    }
  };
  const afterThisOne = (under: Promise<void>): Next => {
    const mine: Next = {
      waiting: 0,
      begun: under.then(() => {
        next = undefined;
        return mine.waiting > 0 ? begin() : undefined;
      }),
    };
    return mine;
  };
  const fresh: ContentLists["fresh"] = async (handle, signal) => {
    if (busy === undefined) return await waitFor(begin(), handle, signal);
    next ??= afterThisOne(busy);
    const mine = next;
    mine.waiting += 1;
    try {
      const begun = await abortable(mine.begun, signal);
      return begun === undefined ? [] : await waitFor(begun, handle, signal);
    } finally {
      mine.waiting -= 1;
    }
  };
  return {
    fresh,
    recent: async (handle, signal) => {
      if (latest !== undefined && clock.monotonic() - latest.begunMs < shareMs) {
        return await waitFor(latest, handle, signal);
      }
      return await fresh(handle, signal);
    },
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
