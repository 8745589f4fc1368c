import { execFile } from "node:child_process";
import { readdir } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";
import { z } from "zod";
import { cacheRoot } from "../../hack/control-plane/assets.ts";

const execute = promisify(execFile);

/** Minor version of the oldest kubectl whose words the tests expect. */
const oldestMinor = 32;

/** A kubectl that can be used, or why there is none. */
export type FoundKubectl = { readonly path: string } | { readonly missing: string };

/**
 * Looks for kubectl beside the programs of the real control plane (KUBEBUILDER_ASSETS, then what was built into the
 * cache), since its version is that of the behaviour we follow; then on PATH. Builds nothing.
 */
export async function findKubectl(env: NodeJS.ProcessEnv): Promise<FoundKubectl> {
  const tooOld: string[] = [];
  for (const path of await candidates(env)) {
    const minor = await minorOf(path);
    if (minor === undefined) continue;
    if (minor >= oldestMinor) return { path };
    tooOld.push(`${path} is 1.${minor}`);
  }
  const seen = tooOld.length === 0 ? "no kubectl in KUBEBUILDER_ASSETS, the cache or PATH" : tooOld.join(", ");
  return { missing: `${seen}; 1.${oldestMinor} is needed (node hack/control-plane/main.ts assets builds one)` };
}

async function candidates(env: NodeJS.ProcessEnv): Promise<string[]> {
  const cache = cacheRoot(env);
  const built = await readdir(cache).catch(() => []);
  const folders = [
    env["KUBEBUILDER_ASSETS"] ?? "",
    ...built.filter((name) => name.startsWith("kubernetes-")).map((name) => join(cache, name)),
    ...(env["PATH"] ?? "").split(delimiter),
  ];
  return folders.filter((folder) => folder !== "").map((folder) => join(folder, "kubectl"));
}

const version = z.object({ clientVersion: z.object({ major: z.literal("1"), minor: z.string().regex(/^\d+/) }) });

/** Undefined where there is no program, or one that does not say its version as kubectl does. */
async function minorOf(path: string): Promise<number | undefined> {
  try {
    const { stdout } = await execute(path, ["version", "--client", "--output=json"]);
    return Number.parseInt(version.parse(JSON.parse(stdout)).clientVersion.minor, 10);
  } catch {
    return undefined;
  }
}

/** What one run of kubectl gave. */
export interface KubectlAnswer {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** kubectl with the given kubeconfig, a private home, and nothing of the person's own settings. */
export class Kubectl {
  readonly #path: string;
  readonly #env: NodeJS.ProcessEnv;

  constructor(path: string, kubeconfig: string, home: string) {
    this.#path = path;
    this.#env = { KUBECONFIG: kubeconfig, HOME: home, PATH: "/usr/bin:/bin" };
  }

  /** Runs it, with `input` on its stdin; a failure is an answer as well. */
  async run(args: readonly string[], input = ""): Promise<KubectlAnswer> {
    return await new Promise((resolve, reject) => {
      const child = execFile(this.#path, args, { env: this.#env, timeout: 60_000 }, (error, stdout, stderr) => {
        if (error !== null && typeof error.code !== "number") reject(error);
        else resolve({ code: typeof error?.code === "number" ? error.code : 0, stdout, stderr });
      });
      child.stdin?.on("error", () => undefined).end(input);
    });
  }

  /** Runs it, and gives what it printed; throws its complaint when it fails. */
  async ask(args: readonly string[], input = ""): Promise<string> {
    const { code, stdout, stderr } = await this.run(args, input);
    if (code !== 0) throw new Error(`kubectl ${args.join(" ")}: exit code ${code}: ${stderr.trim()}`);
    return stdout;
  }
}
