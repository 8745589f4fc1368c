/**
 * Bundles each program of cmd/ into one executable file in bin/, or in the folder that `--out` names.
 *
 * A file is a shell script to the kernel and an ES module to Node: the shell line looks for a Node that is new enough
 * (the pinned one beside bin/, else the one on PATH) and hands the same file to it. Links carry the names of programs that
 * another one replaces.
 */
import { chmodSync, globSync, mkdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { basename, dirname, join, relative, resolve } from "node:path";
import { parseArgs } from "node:util";
import { build, type Plugin } from "esbuild";
import { aliases } from "../pkg/cli/index.ts";

const root = resolve(import.meta.dirname, "..");

/** The demo starts the other programs from their sources and is no program of its own. */
const notBundled = new Set(["demo"]);

/**
 * What Node is told beside the program. The metadata server passes on streams of any length; left to itself V8 collects
 * what that leaves behind so late that it is most of the memory (docs/adr/0004).
 */
const nodeFlags: Readonly<Record<string, string>> = { "csi-snapshot-metadata": "--optimize-for-size " };

/** To sh a script of one line; to Node a string and a comment. One arena: what one thread frees another can use. */
const launcher = (program: string): string =>
  [
    "#!/bin/sh",
    `':' //; D=$(dirname "$(readlink -f "$0" 2>/dev/null || echo "$0")"); export MALLOC_ARENA_MAX="\${MALLOC_ARENA_MAX:-1}"; ` +
      `for N in "$D/../node_modules/.bin/node" node; do ` +
      `V=$("$N" --version 2>/dev/null) && V=\${V#v} && [ "\${V%%.*}" -ge 24 ] && exec "$N" ${nodeFlags[program] ?? ""}"$0" "$@"; done; ` +
      `echo "$(basename "$0"): Node 24 or newer is needed, on PATH or in $D/../node_modules" >&2; exit 1`,
  ].join("\n");

/**
 * Packages that our dependencies import and that nothing of ours comes to: of client-node only the reading of a kubeconfig
 * is used, of grpc-js neither channelz nor ORCA. They are half of a bundle and of the work of its start.
 */
const leftOut: readonly { readonly of: string; readonly name: string; readonly exports: readonly string[] }[] = [
  { of: "@kubernetes/client-node", name: "undici", exports: ["Agent", "ProxyAgent"] },
  { of: "@kubernetes/client-node", name: "./gen/index.js", exports: ["createConfiguration", "ServerConfiguration"] },
  { of: "@kubernetes/client-node", name: "socks", exports: ["SocksClient"] },
  { of: "@kubernetes/client-node", name: "socks-proxy-agent", exports: ["SocksProxyAgent"] },
  { of: "@grpc/grpc-js", name: "@grpc/proto-loader", exports: ["loadSync"] },
];

/** Puts in their place functions that say so when they are called after all. A further export fails the build. */
const leaveOut: Plugin = {
  name: "left-out",
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /./ }, ({ path, importer }) => {
      const found = leftOut.find(({ of, name }) => name === path && importer.includes(`/node_modules/${of}/`));
      return found && { path, namespace: "left-out", pluginData: found.exports };
    });
    onLoad({ filter: /./, namespace: "left-out" }, ({ path, pluginData }) => ({
      contents: [
        `function leftOut() { throw new Error(${JSON.stringify(`${path} is not part of this bundle: hack/build.ts`)}); }`,
        ...(pluginData as string[]).map((each) => `export { leftOut as ${each} };`),
      ].join("\n"),
    }));
  },
};

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

async function bundle(program: string, outDir: string): Promise<void> {
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
    // Its root would bring every API of Kubernetes along.
    alias: { "@kubernetes/client-node": join(root, "node_modules/@kubernetes/client-node/dist/config.js") },
    plugins: [leaveOut],
    logLevel: "warning",
  });
  const [output] = result.outputFiles;
  if (!output) throw new Error(`esbuild gave no output for ${program}`);
  const file = join(outDir, program);
  writeFileSync(file, `${launcher(program)}\n${output.text}`);
  chmodSync(file, 0o755);
  console.log(`${relative(root, file)}\t${Math.round(statSync(file).size / 1024)} KiB`);
}

/** A program is another one when it is started under the other's name. */
function link(program: string, path: string): void {
  rmSync(path, { force: true });
  symlinkSync(program, path);
  console.log(`${relative(root, path)}\t→ ${program}`);
}

if (import.meta.main) {
  const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { version: string };
  const { values } = parseArgs({ options: { out: { type: "string" } } });
  // Only what is certainly ours is emptied.
  if (values.out === undefined) rmSync(join(root, "bin"), { recursive: true, force: true });
  const outDir = resolve(values.out ?? join(root, "bin"));
  mkdirSync(outDir, { recursive: true });
  // The files have no extension, so the package around them says what they are.
  writeFileSync(join(outDir, "package.json"), `${JSON.stringify({ type: "module", version })}\n`);
  for (const program of programs()) await bundle(program, outDir);
  for (const alias of Object.keys(aliases)) link("kubectl-protect", join(outDir, alias));
}
