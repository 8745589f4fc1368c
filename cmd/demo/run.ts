import { type ChildProcess, spawn } from "node:child_process";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Writable } from "node:stream";
import { styleFor } from "../../pkg/cli/screen/style.ts";
import { messageOf } from "../../pkg/runtime/errors/index.ts";
import { abortable, aborted } from "../../pkg/runtime/timing/index.ts";
import { demonstrate, serve } from "./demo.ts";
import type { DemoOptions } from "./options.ts";
import type { JanitorOrder } from "./processes/janitor.ts";
import { launchService, type Service } from "./processes/service.ts";
import { runTool } from "./processes/tool.ts";
import { jsonNarrator } from "./screen/json.ts";
import type { Narrator } from "./screen/narrator.ts";
import { terminalNarrator } from "./screen/terminal.ts";
import type { World } from "./world.ts";

export interface RunInput {
  readonly options: DemoOptions;
  readonly stdout: Writable & { readonly isTTY?: boolean };
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly signal: AbortSignal;
}

/** Runs the demo with everything around it: folder, processes, the end of both. Settles with the exit code. */
export async function runDemo({ options, stdout, env, signal: interrupted }: RunInput): Promise<number> {
  const style = styleFor(stdout.isTTY === true && !options.json, env);
  const inner = options.json ? jsonNarrator(stdout) : terminalNarrator(stdout, style);
  const folder = await mkdtemp(join(tmpdir(), "csi-data-protection-demo-"));
  const janitor = startJanitor();
  janitor.tell({ folder });
  const lost = new AbortController();
  const signal = AbortSignal.any([interrupted, lost.signal]);
  let at = "start";
  const narrator: Narrator = {
    ...inner,
    step: (title, work) => {
      at = title;
      return inner.step(title, async () => {
        signal.throwIfAborted();
        return await abortable(work(), signal);
      });
    },
  };
  const services: Service[] = [];
  const endings: (() => Promise<void>)[] = [];
  const world: World = {
    ...{ options, narrator, style, signal, folder },
    startService: async (plan) => {
      const logs = join(folder, "logs");
      await mkdir(logs, { recursive: true });
      const service = launchService({
        ...plan,
        env: programEnv(env, folder),
        logFile: join(logs, `${plan.name}.log`),
        narrator,
        janitor: janitor.tell,
        onLoss: (failure) => lost.abort(failure),
      });
      services.push(service);
      return { service, ready: await service.serving };
    },
    tool: (args, { kubeconfig = join(folder, "backup.kubeconfig"), onOutput, confined } = {}) =>
      runTool({
        args: [...args, `--kubeconfig=${kubeconfig}`],
        env: { ...programEnv(env, folder), ...failpointsOf(env) },
        signal,
        onStart: (pid) => {
          janitor.tell({ pid });
          narrator.process({ name: "kubectl-protect", pid, state: "started" });
        },
        onEnd: (pid) => janitor.tell({ gone: pid }),
        ...(onOutput ? { onOutput } : {}),
        ...(confined ? { confined: { ...confined, read: [...confined.read, kubeconfig] } } : {}),
      }),
    atEnd: (work) => void endings.push(work),
    undo: (work) => void (options.kubeconfig ? endings.push(work) : undefined),
  };
  const startedAt = performance.now();
  inner.heading(style.bold("csi-data-protection · changed block tracking, on a real database"));
  const outcome = await (options.serve ? serve(world) : demonstrate(world)).then(
    (found) => ({ ok: true as const, ...found }),
    (thrown: unknown) => ({ ok: false as const, step: at, error: messageOf(signal.aborted ? signal.reason : thrown) }),
  );
  const keep = options.keep && !interrupted.aborted;
  const serving = options.serve && outcome.ok;
  const kept = keep || serving ? { kept: howToReach(folder, services, options) } : {};
  inner.result({ ...outcome, ms: performance.now() - startedAt, ...kept });
  if (serving) await aborted(signal);
  if (!keep) {
    for (const work of endings.reverse()) await work().catch(() => undefined);
    await Promise.all(services.map((service) => service.stop()));
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  }
  janitor.tell({ done: true });
  await janitor.close();
  if (serving && !interrupted.aborted) {
    inner.aside(`ended: ${messageOf(signal.reason)}`);
    return 1;
  }
  if (interrupted.aborted) return serving ? 0 : 130;
  return outcome.ok ? 0 : 1;
}

/** What a program of the demo finds in its environment: nothing of the person's own configuration. */
function programEnv(env: RunInput["env"], folder: string): Record<string, string> {
  return {
    PATH: env["PATH"] ?? "",
    HOME: folder,
    TMPDIR: folder,
    NO_COLOR: "1",
    NODE_COMPILE_CACHE: join(folder, "cache"),
  };
}

const failpoints = "CSI_DATA_PROTECTION_FAILPOINTS";

/** Tests break the tool, and nothing else, at its named steps. */
function failpointsOf(env: RunInput["env"]): Record<string, string> {
  const armed = env[failpoints];
  return armed ? { [failpoints]: armed } : {};
}

interface Janitor {
  tell(order: JanitorOrder): void;
  close(): Promise<void>;
}

/** Starts the process that cleans up should this one be killed. */
function startJanitor(): Janitor {
  const child: ChildProcess = spawn(process.execPath, [join(import.meta.dirname, "processes", "janitor.ts")], {
    ...{ env: {}, detached: true },
    stdio: ["pipe", "ignore", "ignore"],
  });
  const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()).once("error", () => resolve()));
  // Without a janitor the demo still runs; only a kill would then leave something behind.
  child.stdin?.on("error", () => {});
  return {
    tell: (order) => void child.stdin?.write(`${JSON.stringify(order)}\n`),
    close: async () => {
      child.stdin?.end();
      await ended;
    },
  };
}

function howToReach(
  folder: string,
  services: readonly Service[],
  { kubeconfig, serve: serving }: DemoOptions,
): string[] {
  return [
    "To look around:",
    `  export KUBECONFIG=${kubeconfig || join(folder, "admin.kubeconfig")}   (the administrator)`,
    `  export KUBECONFIG=${join(folder, "backup.kubeconfig")}   (the backup's ServiceAccount)`,
    `  logs and images: ${folder}`,
    ...(serving ? [] : [`To end it: ${howToEnd(services, folder)}`]),
  ];
}

/** The folder goes last: a program writes into it until it has ended. */
function howToEnd(services: readonly Service[], folder: string): string {
  const pids = services.map(({ pid }) => pid);
  const running = pids.map((pid) => `kill -0 ${pid}`).join(" || ");
  return `kill ${pids.join(" ")}; while ${running}; do sleep 0.2; done 2>/dev/null; rm -r ${folder}`;
}
