/**
 * Checks that imports point only from right to left of the layer table, that domains meet only where the table
 * says so, that packages enter each other only through an `index.ts`, and that no import cycle exists.
 *
 *   gen, runtime ← apis ← kube | csi | serving ← storage ← domains ← cli, conformance ← cmd
 */
import { globSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { parseSync } from "oxc-parser";

/** Lower may not import higher. Folders of one rank may not import each other, unless `edges` says so. */
const ranks: Record<string, number> = {
  "pkg/gen": 0,
  "pkg/runtime": 0,
  "pkg/apis": 1,
  "pkg/kube": 2,
  "pkg/csi": 2,
  "pkg/serving": 2,
  "pkg/storage": 3,
  "pkg/snapshot": 4,
  "pkg/snapshotmetadata": 4,
  "pkg/changedblocks": 4,
  "pkg/volumemode": 4,
  "pkg/provisioner": 4,
  "pkg/populator": 4,
  "pkg/datasource": 4,
  "pkg/objectstorage": 4,
  "pkg/notifier": 4,
  "pkg/protection": 4,
  "pkg/repository": 4,
  "pkg/cli": 5,
  "pkg/conformance": 5,
  "pkg/dev": 5,
  cmd: 6,
  hack: 7,
  test: 8,
};

const edges = new Set([
  "pkg/changedblocks → pkg/snapshotmetadata",
  "pkg/protection → pkg/repository",
  "pkg/protection → pkg/snapshotmetadata",
]);

/** What `pkg/dev` may use: serving and everything left of it. */
const devMayUse = new Set(["pkg/gen", "pkg/runtime", "pkg/apis", "pkg/kube", "pkg/csi", "pkg/serving"]);

/** Programs that may carry development servers; a release image holds none of these. */
const devPrograms = /^cmd\/(dev-|demo)/;

export interface Import {
  readonly from: string;
  readonly to: string;
}

export function domainOf(file: string): string {
  const parts = file.split("/");
  return parts[0] === "pkg" ? `pkg/${parts[1]}` : (parts[0] ?? file);
}

/** Why this import may not be, or nothing. */
export function violation({ from, to }: Import): string | undefined {
  // Programs tell their version from it.
  if (to === "package.json") return undefined;
  const here = domainOf(from);
  const there = domainOf(to);
  if (there === "pkg/dev" && here !== "pkg/dev" && here !== "test" && here !== "hack" && !devPrograms.test(from)) {
    return "development servers are for cmd/dev-*, cmd/demo and tests only";
  }
  if (here === there) return undefined;
  if (here.startsWith("pkg/") && there !== "pkg/gen" && !to.endsWith("/index.ts")) {
    return `${there} is entered through an index.ts`;
  }
  if (here === "pkg/dev" && !devMayUse.has(there)) return "pkg/dev uses serving and what is left of it, no domain";
  const mine = ranks[here];
  const theirs = ranks[there];
  if (mine === undefined) return `${here} has no rank: add it to hack/layers.ts`;
  if (theirs === undefined) return `${there} has no rank: add it to hack/layers.ts`;
  if (here === "pkg/runtime" && there === "pkg/gen") return "runtime knows no wire contract";
  if (theirs < mine || edges.has(`${here} → ${there}`)) return undefined;
  return `${here} may not import ${there}`;
}

/** The import cycles among these files, each as the list of its files. */
export function cycles(imports: readonly Import[]): string[][] {
  const graph = new Map<string, string[]>();
  for (const { from, to } of imports) graph.set(from, [...(graph.get(from) ?? []), to]);
  const found: string[][] = [];
  const done = new Set<string>();
  const visit = (file: string, path: string[]): void => {
    const at = path.indexOf(file);
    if (at >= 0) {
      found.push([...path.slice(at), file]);
      return;
    }
    if (done.has(file)) return;
    for (const next of graph.get(file) ?? []) visit(next, [...path, file]);
    done.add(file);
  };
  for (const file of graph.keys()) visit(file, []);
  return found;
}

/** Every relative import of the TypeScript files below `root`, type imports included. */
export function readImports(root: string): Import[] {
  const files = globSync("{cmd,pkg,test,hack}/**/*.ts", { cwd: root });
  return files.flatMap((from) => {
    const { module } = parseSync(from, readFileSync(join(root, from), "utf8"));
    const targets = [
      ...module.staticImports.map((each) => each.moduleRequest.value),
      ...module.staticExports.flatMap((each) => each.entries.flatMap((entry) => entry.moduleRequest?.value ?? [])),
    ];
    return targets
      .filter((target) => target.startsWith("."))
      .map((target) => ({ from, to: relative(root, resolve(root, dirname(from), target)) }));
  });
}

if (import.meta.main) {
  const imports = readImports(resolve(import.meta.dirname, ".."));
  const problems = [
    ...imports.flatMap((each) => {
      const why = violation(each);
      return why === undefined ? [] : [`${each.from} imports ${each.to}: ${why}`];
    }),
    ...cycles(imports).map((cycle) => `import cycle: ${cycle.join(" → ")}`),
  ];
  for (const problem of problems) console.error(problem);
  console.log(`layers: ${imports.length} imports checked, ${problems.length} problems`);
  process.exitCode = problems.length > 0 ? 1 : 0;
}
