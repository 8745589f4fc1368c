import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

/**
 * Runs `work` while holding the lock folder `path`, so that two runs do not build the same thing at once. A lock
 * whose owner has died is taken over. Only saves work: what is built is put in place by one rename in any case.
 */
export async function withLock<T>(path: string, work: () => Promise<T>): Promise<T> {
  while (!(await take(path))) {
    if (await ownerIsGone(path)) await discard(path);
    else await sleep(250);
  }
  try {
    return await work();
  } finally {
    await rm(path, { recursive: true, force: true });
  }
}

async function take(path: string): Promise<boolean> {
  try {
    await mkdir(path);
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw thrown;
  }
  await writeFile(join(path, "pid"), String(process.pid));
  return true;
}

async function ownerIsGone(path: string): Promise<boolean> {
  const text = await readFile(join(path, "pid"), "utf8").catch(() => undefined);
  // No pid yet: its owner is between the two steps of taking it, or died there.
  if (text === undefined || text === "") {
    await sleep(1_000);
    return (await readFile(join(path, "pid"), "utf8").catch(() => "")) === "";
  }
  return !isAlive(Number(text));
}

/** Whether a process with this id runs, also when it is another user's. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (thrown) {
    return (thrown as NodeJS.ErrnoException).code === "EPERM";
  }
}

async function discard(path: string): Promise<void> {
  const aside = `${path}.stale-${process.pid}`;
  // The rename has one winner; the others find the lock free or taken anew.
  await rename(path, aside).catch(() => undefined);
  await rm(aside, { recursive: true, force: true });
}
