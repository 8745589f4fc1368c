/**
 * Owns the processes of one control plane, so that none outlives whoever started it: it takes orders on stdin, one
 * JSON document per line, and when stdin ends (the starter closed it, left, or was killed) it kills everything and
 * removes the work folder. Were it killed itself, the kernel kills what it started (Linux), and so does the starter.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, openSync } from "node:fs";
import { rm } from "node:fs/promises";
import { createInterface } from "node:readline";
import type { Order, Report } from "./orders.ts";
import { killTree } from "./process-tree.ts";

const workFolder = process.argv[2];
if (workFolder === undefined) throw new Error("usage: supervisor.ts FOLDER");

const children: ChildProcess[] = [];
let alsoKill: number | undefined;
let stopping = false;

function report(message: Report): void {
  if (!stopping) process.stdout.write(`${JSON.stringify(message)}\n`);
}

/** setpriv asks the kernel to kill the program when this process dies. */
function guarded(file: string, args: readonly string[]): [string, readonly string[]] {
  const setpriv = ["/usr/bin/setpriv", "/bin/setpriv"].find((path) => existsSync(path));
  return process.platform === "linux" && setpriv !== undefined
    ? [setpriv, ["--pdeathsig", "KILL", "--", file, ...args]]
    : [file, args];
}

function obey(order: Order): void {
  if (order.kind === "follow") {
    alsoKill = order.pid;
    return;
  }
  const log = openSync(order.log, "a", 0o600);
  const child = spawn(...guarded(order.file, order.args), { cwd: workFolder, stdio: ["ignore", log, log] });
  children.unshift(child);
  child.once("error", (thrown) => report({ kind: "exited", name: order.name, how: thrown.message }));
  child.once("exit", (code, signal) => report({ kind: "exited", name: order.name, how: String(signal ?? code) }));
}

async function stop(): Promise<void> {
  if (stopping) return;
  stopping = true;
  if (alsoKill !== undefined) killTree(alsoKill);
  // Newest first: an API server without etcd would wait for it. Nothing is kept, so nobody needs time to save.
  for (const child of children) {
    if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) continue;
    const gone = new Promise((resolve) => child.once("exit", resolve));
    child.kill("SIGKILL");
    await gone;
  }
  await rm(workFolder as string, { recursive: true, force: true });
  process.exit(0);
}

for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => void stop());
// The starter may be gone: what is written to it then fails, and its end of stdin says the rest.
process.stdout.on("error", () => undefined);
createInterface({ input: process.stdin })
  .on("line", (line) => obey(JSON.parse(line) as Order))
  .on("close", () => void stop());
report({ kind: "watching", pid: process.pid });
