import { type FSWatcher, watch } from "node:fs";
import { dirname } from "node:path";
import { type Clock, linkedSignal } from "../../runtime/timing/index.ts";

export interface FollowRules {
  readonly clock: Clock;
  /** How often to look when nothing is noticed, milliseconds. */
  readonly pollMs: number;
  readonly signal: AbortSignal;
}

/** A folder that changes is mostly still being written. */
const SETTLE_MS = 50;

/**
 * Calls `look` after each change noticed in the folders of these files, and every `pollMs` in any case: links that
 * lead elsewhere and network file systems report nothing. Settles after the signal has aborted.
 */
export async function followFiles(
  files: readonly string[],
  { clock, pollMs, signal }: FollowRules,
  look: () => Promise<unknown>,
): Promise<void> {
  let noticed = false;
  let wake = (): void => undefined;
  using _watching = watchFolders(files, () => {
    noticed = true;
    wake();
  });
  while (!signal.aborted) {
    if (!noticed) {
      using nap = linkedSignal(signal);
      wake = () => nap.abort();
      await quietly(clock.sleep(pollMs, nap.signal));
    }
    if (noticed) await quietly(clock.sleep(SETTLE_MS, signal));
    noticed = false;
    if (!signal.aborted) await look();
  }
}

async function quietly(sleeping: Promise<void>): Promise<void> {
  await sleeping.catch(() => undefined);
}

function watchFolders(files: readonly string[], changed: () => void): Disposable {
  const watchers: FSWatcher[] = [];
  for (const folder of new Set(files.map((file) => dirname(file)))) {
    try {
      const watcher = watch(folder, { persistent: false }, changed);
      // A folder may go away, or the system's watches run out: polling goes on.
      watcher.on("error", () => watcher.close());
      watchers.push(watcher);
    } catch {
      // The same, at once.
    }
  }
  return {
    [Symbol.dispose]: () => {
      for (const watcher of watchers) watcher.close();
    },
  };
}
