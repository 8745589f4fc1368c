import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { constants } from "node:fs";
import { access, mkdir, mkdtemp, readFile, rename, rm } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { withLock } from "./lock.ts";
import { linkerFlags, type Program, programs, requiredVersion } from "./versions.ts";

/** Where programs may come from. */
export interface AssetOptions {
  /** Environment to obey: KUBEBUILDER_ASSETS, XDG_CACHE_HOME, HOME and what Go reads. */
  readonly env: NodeJS.ProcessEnv;
  /** Hears, in one line each, what is built and why it takes a while. */
  readonly say?: (line: string) => void;
}

/**
 * Path of each program: from the folder KUBEBUILDER_ASSETS where it has it, otherwise built once from Go modules
 * into a cache outside the tree. Throws, naming what to install, when neither is possible.
 */
export async function findAssets<P extends Program>(
  wanted: readonly P[],
  options: AssetOptions,
): Promise<Record<P, string>> {
  const found = {} as Record<P, string>;
  for (const program of wanted) found[program] = (await given(program, options)) ?? (await built(program, options));
  return found;
}

async function given(program: Program, options: AssetOptions): Promise<string | undefined> {
  const folder = options.env["KUBEBUILDER_ASSETS"];
  if (folder === undefined || folder === "") return undefined;
  const path = join(folder, program);
  return (await isExecutable(path)) ? path : undefined;
}

async function built(program: Program, options: AssetOptions): Promise<string> {
  const recipe = await recipeOf(program);
  const folder = join(cacheRoot(options.env), recipe.key);
  const path = join(folder, program);
  if (await isExecutable(path)) return path;
  await mkdir(folder, { recursive: true });
  return await withLock(join(folder, `${program}.lock`), async () => {
    if (await isExecutable(path)) return path;
    options.say?.(`building ${program} ${recipe.version} with go, once (the first takes some minutes)`);
    const temporary = await mkdtemp(join(folder, `${program}.build-`));
    try {
      await goBuild(recipe, join(temporary, program), options.env);
      await rename(join(temporary, program), path);
    } finally {
      await rm(temporary, { recursive: true, force: true });
    }
    return path;
  });
}

interface Recipe {
  readonly folder: string;
  readonly package: string;
  readonly version: string;
  readonly flags: string;
  /** Changes with everything that changes the program. */
  readonly key: string;
}

async function recipeOf(program: Program): Promise<Recipe> {
  const { folder, module, package: path } = programs[program];
  const at = join(import.meta.dirname, folder);
  const goMod = await readFile(join(at, "go.mod"), "utf8");
  const version = requiredVersion(goMod, module);
  const flags = linkerFlags(folder, version);
  const hash = createHash("sha256")
    .update([goMod, await readFile(join(at, "go.sum"), "utf8"), flags, process.platform, process.arch].join("\0"))
    .digest("hex");
  return { folder: at, package: path, version, flags, key: `${folder}-${version}-${hash.slice(0, 12)}` };
}

/** The folder of this project in the user's cache. */
export function cacheRoot(env: NodeJS.ProcessEnv): string {
  const base = env["XDG_CACHE_HOME"] || join(env["HOME"] || homedir(), ".cache");
  return join(base, "csi-data-protection", "control-plane");
}

async function goBuild(recipe: Recipe, output: string, env: NodeJS.ProcessEnv): Promise<void> {
  const args = ["build", "-mod=readonly", "-trimpath", "-buildvcs=false", "-ldflags", recipe.flags];
  const child = spawn("go", [...args, "-o", output, recipe.package], {
    cwd: recipe.folder,
    // A workspace or flags of the user would change what is built.
    env: { ...env, CGO_ENABLED: "0", GOWORK: "off", GOFLAGS: "" },
    stdio: ["ignore", "ignore", "pipe"],
  });
  const complaints: string[] = [];
  child.stderr.setEncoding("utf8").on("data", (text: string) => complaints.push(text));
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once("error", (thrown) => reject(goMissing(recipe, thrown)));
    child.once("close", resolve);
  });
  if (code !== 0) throw new Error(`go build ${recipe.package} failed (${code}):\n${lastOf(complaints)}`);
}

function goMissing(recipe: Recipe, thrown: Error): Error {
  return new Error(
    `${recipe.package} ${recipe.version} must be built, and go could not be started (${thrown.message}). ` +
      "Install Go 1.26 or newer, or name a folder with the programs in KUBEBUILDER_ASSETS.",
    { cause: thrown },
  );
}

function lastOf(texts: readonly string[]): string {
  return texts.join("").split("\n").slice(-20).join("\n");
}

async function isExecutable(path: string): Promise<boolean> {
  return await access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
}
