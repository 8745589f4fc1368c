import { readdirSync, readFileSync } from "node:fs";

/** Kills a process and all that descend from it; whoever is gone already is passed over. */
export function killTree(root: number): void {
  const parents = parentsOfAll();
  const doomed = [root];
  for (const pid of doomed) doomed.push(...[...parents].filter(([, parent]) => parent === pid).map(([child]) => child));
  for (const pid of doomed) {
    try {
      process.kill(pid, "SIGKILL");
    } catch {
      // It ended by itself.
    }
  }
}

/** Process id → parent's id, from /proc; empty where there is none, so that only the root is killed. */
function parentsOfAll(): Map<number, number> {
  const parents = new Map<number, number>();
  for (const entry of listProc()) {
    const stat = readOrEmpty(`/proc/${entry}/stat`);
    // The name stands in parentheses and may hold anything; the parent is the second field after it.
    const parent = stat
      .slice(stat.lastIndexOf(")") + 1)
      .trim()
      .split(" ")[1];
    if (parent !== undefined) parents.set(Number(entry), Number(parent));
  }
  return parents;
}

function listProc(): string[] {
  try {
    return readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  } catch {
    return [];
  }
}

function readOrEmpty(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
