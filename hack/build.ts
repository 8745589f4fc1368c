/**
 * Bundles each program of cmd/ into one executable file in bin/.
 *
 * A file is a shell script to the kernel and an ES module to Node: the shell line looks for a Node that is new enough
 * (the pinned one beside bin/, else the one on PATH) and hands the same file to it.
 */
import { chmodSync, globSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { build } from "esbuild";

const root = resolve(import.meta.dirname, "..");
const outDir = join(root, "bin");

/** The demo starts the other programs from their sources and is no program of its own. */
const notBundled = new Set(["demo"]);

/** To sh a script of one line; to Node a string and a comment. */
const launcher = [
  "#!/bin/sh",
  `':' //; D=$(dirname "$(readlink -f "$0" 2>/dev/null || echo "$0")"); for N in "$D/../node_modules/.bin/node" node; do ` +
    `V=$("$N" -p 'process.versions.node.split(".")[0]' 2>/dev/null) && [ "$V" -ge 24 ] && exec "$N" "$0" "$@"; done; ` +
    `echo "$(basename "$0"): Node 24 or newer is needed, on PATH or in $D/../node_modules" >&2; exit 1`,
].join("\n");

const commonJsNames = [
  `import { createRequire as __createRequire } from "node:module";`,
  `const require = __createRequire(import.meta.url), __filename = import.meta.filename, __dirname = import.meta.dirname;`,
].join("\n");

export function programs(): string[] {
  const mains = globSync("cmd/*/main.ts", { cwd: root });
  return mains
    .map((main) => basename(dirname(main)))
    .filter((name) => !notBundled.has(name))
    .sort();
}

async function bundle(program: string): Promise<void> {
  const result = await build({
    entryPoints: [join(root, "cmd", program, "main.ts")],
    bundle: true,
    write: false,
    platform: "node",
    target: "node24",
    format: "esm",
    // The CommonJS packages inside look for these.
    banner: { js: commonJsNames },
    minifySyntax: true,
    minifyWhitespace: true,
    // Without it an uncaught error prints the whole bundle as one line.
    lineLimit: 200,
    logLevel: "warning",
  });
  const [output] = result.outputFiles;
  if (!output) throw new Error(`esbuild gave no output for ${program}`);
  const file = join(outDir, program);
  writeFileSync(file, `${launcher}\n${output.text}`);
  chmodSync(file, 0o755);
  console.log(`bin/${program}\t${Math.round(statSync(file).size / 1024)} KiB`);
}

if (import.meta.main) {
  const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { version: string };
  rmSync(outDir, { recursive: true, force: true });
  mkdirSync(outDir);
  // The files have no extension, so the package around them says what they are.
  writeFileSync(join(outDir, "package.json"), `${JSON.stringify({ type: "module", version })}\n`);
  for (const program of programs()) await bundle(program);
}
