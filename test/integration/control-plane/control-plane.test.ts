import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { mkdtemp, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { accessOf } from "../../support/access.ts";
import { Http } from "../../support/http.ts";

const program = resolve(import.meta.dirname, "../../../hack/control-plane/main.ts");
const { TEST_REAL, TEST_KUBECONFIG } = process.env;
const isRealWanted = (TEST_REAL ?? "") !== "" || (TEST_KUBECONFIG ?? "") !== "";

let folder: string;
const toEnd: ChildProcess[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "control-plane-test-"));
});
afterEach(async () => {
  for (const child of toEnd.splice(0)) child.kill("SIGTERM");
  await rm(folder, { recursive: true, force: true });
});

function start(...args: readonly string[]): ChildProcess {
  const child = spawn(process.execPath, [program, ...args], { stdio: ["ignore", "pipe", "inherit"] });
  toEnd.push(child);
  return child;
}

async function firstLine(child: ChildProcess): Promise<string> {
  return await new Promise((done) => {
    createInterface({ input: child.stdout as NodeJS.ReadableStream }).once("line", done);
  });
}

async function exitCode(child: ChildProcess): Promise<number | null> {
  return await new Promise((done) => child.once("exit", done));
}

/** Programs whose command line names the work folder of a control plane. */
function programsOf(workFolder: string): string[] {
  const lines = readdirSync("/proc").map((pid) => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, "utf8");
    } catch {
      return "";
    }
  });
  return lines.filter((line) => line.includes(workFolder)).map((line) => line.split("\0")[0] ?? "");
}

async function nothingIsLeft(workFolder: string): Promise<void> {
  await vi.waitFor(
    () => {
      expect(programsOf(workFolder)).toEqual([]);
      expect(existsSync(workFolder)).toBe(false);
    },
    { timeout: 20_000, interval: 100 },
  );
}

describe("a real control plane", { timeout: 60_000 }, () => {
  beforeEach(({ skip }) => skip(!isRealWanted, "starts real control planes, which need Go: run make test-real"));

  it("leaves nothing behind when its owner is killed", async () => {
    const child = start("up");
    const { kubeconfig } = JSON.parse(await firstLine(child)) as { kubeconfig: string };
    const workFolder = dirname(kubeconfig);
    expect((await stat(kubeconfig)).mode & 0o777).toBe(0o600);
    expect(programsOf(workFolder)).toHaveLength(4);
    child.kill("SIGKILL");
    await nothingIsLeft(workFolder);
  });

  it("ends on a signal, in order", async () => {
    const child = start("up");
    const { kubeconfig } = JSON.parse(await firstLine(child)) as { kubeconfig: string };
    const ended = exitCode(child);
    child.kill("SIGTERM");
    expect(await ended).toBe(0);
    await nothingIsLeft(dirname(kubeconfig));
  });

  it("runs a command, passes its exit code on, and is gone afterwards", async () => {
    const child = start("run", "--", "sh", "-c", "echo $TEST_CONTROL_PLANE $KUBECONFIG $TEST_KUBECONFIG; exit 7");
    const line = firstLine(child);
    expect(await exitCode(child)).toBe(7);
    const [workFolder = "", kubeconfig, same] = (await line).split(" ");
    expect(dirname(kubeconfig ?? "")).toBe(workFolder);
    expect(same).toBe(kubeconfig);
    await nothingIsLeft(workFolder);
  });

  it("writes down which rule allowed a request", async () => {
    const auditLog = join(folder, "audit.jsonl");
    const { kubeconfig } = JSON.parse(await firstLine(start("up", `--audit-log=${auditLog}`))) as {
      kubeconfig: string;
    };
    const http = new Http(accessOf(await readFile(kubeconfig, "utf8")));
    // Nobody in particular may read the version; the administrator's group is asked for no rule.
    expect((await http.send({ method: "GET", path: "/version", headers: {} })).status).toBe(200);
    http.close();
    await vi.waitFor(
      async () => {
        const entries = (await readFile(auditLog, "utf8")).trimEnd().split("\n");
        const reasons = entries.map((entry) => (JSON.parse(entry) as { annotations?: object }).annotations);
        expect(reasons).toContainEqual(
          expect.objectContaining({
            "authorization.k8s.io/reason": expect.stringContaining("system:public-info-viewer"),
          }),
        );
      },
      { timeout: 20_000 },
    );
  });
});
