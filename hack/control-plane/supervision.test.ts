import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterEach, describe, expect, it, vi } from "vitest";
import { isAlive } from "./lock.ts";
import { supervise } from "./supervision.ts";

interface Started {
  readonly child: ChildProcess;
  readonly supervisor: number;
  readonly command: number;
}

// Seconds that no other run on this machine sleeps.
const program = String(1_000_000 + process.pid);
const command = String(2_000_000 + process.pid);

const toEnd: ChildProcess[] = [];
afterEach(() => {
  for (const child of toEnd.splice(0)) child.kill("SIGKILL");
  // Nothing, unless a test failed.
  for (const pid of [...running("sleep", program), ...running("sleep", command)]) process.kill(Number(pid), "SIGKILL");
});

async function workFolder(): Promise<string> {
  return await mkdtemp(join(tmpdir(), "supervision-test-"));
}

/** A process that supervises a program and a command with a child of its own, as `main.ts run` does. */
async function starter(folder: string): Promise<Started> {
  const script = `
    const { spawn } = await import("node:child_process");
    const { supervise } = await import(${JSON.stringify(join(import.meta.dirname, "supervision.ts"))});
    const folder = ${JSON.stringify(folder)};
    const supervision = await supervise(folder);
    supervision.tell({ kind: "start", name: "program", file: "sleep", args: [${JSON.stringify(program)}], log: folder + "/program.log" });
    const command = spawn("sh", ["-c", "sleep ${command}; true"], { stdio: "ignore" });
    supervision.tell({ kind: "follow", pid: command.pid });
    console.log(JSON.stringify({ supervisor: supervision.pid, command: command.pid }));
  `;
  const child = spawn(process.execPath, ["--input-type=module", "-e", script], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  toEnd.push(child);
  const [line] = await new Promise<string[]>((resolve) => {
    createInterface({ input: child.stdout as NodeJS.ReadableStream }).once("line", (...lines) => resolve(lines));
  });
  return { child, ...(JSON.parse(line ?? "") as { supervisor: number; command: number }) };
}

/** Ids of all processes with this command line. */
function running(...words: readonly string[]): string[] {
  const wanted = `${words.join("\0")}\0`;
  return readdirSync("/proc").filter((name) => /^\d+$/.test(name) && commandLine(name) === wanted);
}

function commandLine(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8");
  } catch {
    return "";
  }
}

async function nothingIsLeft(folder: string, ...pids: readonly number[]): Promise<void> {
  await vi.waitFor(
    () => {
      expect(pids.filter(isAlive)).toEqual([]);
      expect(running("sleep", program)).toEqual([]);
      expect(running("sleep", command)).toEqual([]);
      expect(existsSync(folder)).toBe(false);
    },
    { timeout: 10_000, interval: 50 },
  );
}

describe.skipIf(process.platform !== "linux")("a supervisor", () => {
  it("ends everything when whoever started it is killed, the command and its children too", async () => {
    const folder = await workFolder();
    const { child, supervisor, command: pid } = await starter(folder);
    await vi.waitFor(() => expect(running("sleep", program)).toHaveLength(1), { timeout: 10_000 });
    child.kill("SIGKILL");
    await nothingIsLeft(folder, supervisor, pid);
  });

  it("leaves no program when it is killed itself", async () => {
    const folder = await workFolder();
    const supervision = await supervise(folder);
    supervision.tell({ kind: "start", name: "program", file: "sleep", args: [program], log: join(folder, "log") });
    await vi.waitFor(() => expect(running("sleep", program)).toHaveLength(1), { timeout: 10_000 });
    process.kill(supervision.pid, "SIGKILL");
    expect(await supervision.broken).toBe("its supervisor was killed");
    await nothingIsLeft(folder, supervision.pid);
  });

  it("tells when a program ends by itself", async () => {
    const folder = await workFolder();
    const supervision = await supervise(folder);
    supervision.tell({ kind: "start", name: "brief", file: "sh", args: ["-c", "exit 7"], log: join(folder, "log") });
    expect(await supervision.broken).toBe("brief ended (7)");
    await supervision.close();
    await nothingIsLeft(folder, supervision.pid);
  });

  it("can be closed twice", async () => {
    const folder = await workFolder();
    const supervision = await supervise(folder);
    await Promise.all([supervision.close(), supervision.close()]);
    await nothingIsLeft(folder, supervision.pid);
  });
});
