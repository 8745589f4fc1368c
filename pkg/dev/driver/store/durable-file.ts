import { open, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";

/** Makes renames, new and removed names in a folder survive a power cut. */
export async function syncFolder(folder: string): Promise<void> {
  // Windows can not open a folder; there the journal of the file system has to do.
  if (process.platform === "win32") return;
  const handle = await open(folder, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Gives a finished file its final name, durably. */
export async function publishFile(from: string, to: string, sync = syncFolder): Promise<void> {
  await rename(from, to);
  await sync(dirname(to));
}

/** `staged` runs when the new text is on disk under a temporary name; `sync` makes the new name durable. */
export interface Replacing {
  readonly staged?: () => Promise<void>;
  readonly sync?: (folder: string) => Promise<void>;
}

/**
 * Replaces the file in one step: a reader, or a restart after a crash, sees the old text or the new, never a part.
 */
export async function replaceFile(path: string, text: string, { staged, sync }: Replacing = {}): Promise<void> {
  const temporary = `${path}.tmp`;
  const handle = await open(temporary, "w", 0o600);
  try {
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await staged?.();
  await publishFile(temporary, path, sync);
}

/** Removes a file that may not be there. */
export async function removeFile(path: string): Promise<void> {
  await rm(path, { force: true });
}

/** Brings a changed file to the disk. */
export async function syncFile(path: string): Promise<void> {
  const handle = await open(path, "r+");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
