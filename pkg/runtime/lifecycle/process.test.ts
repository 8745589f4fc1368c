import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";

interface Child {
  readonly process: ChildProcess;
  /** Settles when this text was logged. */
  logged(text: string): Promise<void>;
  readonly err: string;
  ended(): Promise<[code: number | null, signal: string | null]>;
}

const children: ChildProcess[] = [];

function start(args: readonly string[], env: Record<string, string> = {}): Child {
  const child = spawn(process.execPath, [join(import.meta.dirname, "test-program.ts"), ...args], {
    stdio: ["ignore", "ignore", "pipe"],
    env: { ...process.env, ...env },
  });
  children.push(child);
  let err = "";
  child.stderr.setEncoding("utf8").on("data", (chunk: string) => {
    err += chunk;
  });
  // Waits for the end of the output too: what is written last may arrive after the exit.
  const end = once(child, "close") as Promise<[number | null, string | null]>;
  return {
    process: child,
    get err() {
      return err;
    },
    ended: () => end,
    async logged(text) {
      while (!err.includes(text)) {
        const [chunk] = await Promise.race([once(child.stderr, "data"), end.then(() => [undefined])]);
        if (chunk === undefined && !err.includes(text)) throw new Error(`ended without "${text}": ${err}`);
      }
    },
  };
}

afterAll(() => {
  for (const child of children.splice(0)) child.kill("SIGKILL");
});

describe.concurrent("a real process", () => {
  it.each(["SIGTERM", "SIGINT", "SIGHUP", "SIGQUIT"] as const)("drains on %s and exits with 0", async (signal) => {
    const child = start([]);
    await child.logged("running");
    child.process.kill(signal);
    expect(await child.ended()).toEqual([0, null]);
    expect(child.err).toContain('"exitCode":0');
  });

  it("exits on a second signal although work is stuck and a timer is left", async () => {
    const child = start(["--mode=stuck"]);
    await child.logged("running");
    child.process.kill("SIGTERM");
    await child.logged('"msg":"stopping"');
    child.process.kill("SIGTERM");
    expect(await child.ended()).toEqual([1, null]);
    expect(child.err).toContain("something was still running after the end");
  });

  it("exits when the bound is over", async () => {
    const child = start(["--mode=stuck", "--shutdown-timeout=20ms"]);
    await child.logged("running");
    child.process.kill("SIGTERM");
    expect(await child.ended()).toEqual([1, null]);
  });

  it.each([
    ["fail", "lost the socket"],
    ["reject", "nobody waits"],
    ["throw", "out of the blue"],
  ])("exits with 1 in mode %s although a timer is left", async (mode, message) => {
    const child = start([`--mode=${mode}`]);
    expect(await child.ended()).toEqual([1, null]);
    expect(child.err).toContain(message);
    expect(child.err).not.toContain("canary");
    for (const line of child.err.trimEnd().split("\n")) expect(() => JSON.parse(line)).not.toThrow();
  });

  it("exits with its code although a timer is left after a good end", async () => {
    const child = start(["--mode=leak"]);
    await child.logged("running");
    child.process.kill("SIGTERM");
    expect(await child.ended()).toEqual([0, null]);
  });

  it("dies at a failpoint", async () => {
    const child = start([], { CSI_DATA_PROTECTION_FAILPOINTS: "before-work" });
    expect(await child.ended()).toEqual([null, "SIGKILL"]);
  });

  it("exits with 2 on an unknown flag", async () => {
    const child = start(["--moed=stuck"]);
    expect(await child.ended()).toEqual([2, null]);
    expect(child.err).toBe(
      'test-program: unknown flag --moed (did you mean --mode?)\nRun "test-program --help" for the flags.\n',
    );
  });

  it("still ends when nobody reads its log any more", async () => {
    const child = start([]);
    await child.logged("running");
    child.process.stderr?.destroy();
    child.process.kill("SIGTERM");
    expect(await child.ended()).toEqual([0, null]);
  });
});
