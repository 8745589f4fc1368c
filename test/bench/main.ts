/**
 * Measures this project against its limits and its peers: `node test/bench/main.ts [startup|cbt|kube]… [--json] [--tiny]`.
 * TEST_KUBECONFIG names the cluster to use (else an embedded one), PEERS_DIR a folder with executables of the originals.
 */
import { execFile } from "node:child_process";
import { readdir } from "node:fs/promises";
import { join, resolve } from "node:path";
import { parseArgs, promisify } from "node:util";
import { messageOf } from "../../pkg/runtime/errors/index.ts";
import { type CbtFigures, measureCbt } from "./cbt/cbt.ts";
import { findPeers } from "./cbt/paths.ts";
import { cbtTables } from "./cbt/tables.ts";
import { type Ground, openGround } from "./ground.ts";
import { type KubeFigures, kubeTables, measureKube } from "./kube/kube.ts";
import { type Machine, thisMachine } from "./measure/machine.ts";
import { Programs } from "./measure/programs.ts";
import { renderTable } from "./report/table.ts";
import { fullSizes, type Sizes, tinySizes } from "./sizes.ts";
import { measureStartup, type StartupFigures } from "./startup/startup.ts";
import { startupTables } from "./startup/tables.ts";

const parts = ["startup", "cbt", "kube"] as const;
type Part = (typeof parts)[number];

/** Everything that was measured, as `--json` prints it. */
export interface Figures {
  readonly machine: Machine;
  readonly startup?: StartupFigures;
  readonly cbt?: CbtFigures;
  readonly kube?: KubeFigures;
}

const root = resolve(import.meta.dirname, "../..");

/** What a person asked for. */
interface Order {
  readonly chosen: readonly Part[];
  readonly sizes: Sizes;
  readonly json: boolean;
  readonly peers: readonly string[];
}

async function readOrder(argv: readonly string[], peersDir: string | undefined): Promise<Order> {
  const options = { json: { type: "boolean" }, tiny: { type: "boolean" } } as const;
  const { values, positionals } = parseArgs({ args: [...argv], options, allowPositionals: true });
  const unknown = positionals.filter((each) => !parts.some((part) => part === each));
  if (unknown.length > 0) throw new Error(`there is no ${unknown.join(", ")} to measure; there is ${parts.join(", ")}`);
  const chosen = parts.filter((part) => positionals.length === 0 || positionals.includes(part));
  const sizes = values.tiny ? tinySizes : fullSizes;
  return { chosen, sizes, json: values.json ?? false, peers: await findPeers(peersDir) };
}

/** Bundles the programs as they are now, into a folder of their own: bin/ may be older. */
async function buildInto(folder: string): Promise<string[]> {
  await promisify(execFile)(process.execPath, [join(root, "hack/build.ts"), `--out=${folder}`]);
  const files = await readdir(folder, { withFileTypes: true });
  // A second name of a program is a link to it.
  return files
    .filter((file) => file.isFile() && !file.name.includes("."))
    .map(({ name }) => name)
    .sort();
}

async function measure({ chosen, sizes, peers }: Order, ground: Ground): Promise<Figures> {
  const machine = thisMachine();
  await using programs = new Programs();
  const binDir = join(ground.folder, "bin");
  const names = await buildInto(binDir);
  const say = (line: string): void => {
    if (process.stderr.isTTY) process.stderr.write(`\r\u001b[K${line}`);
  };
  const deps = { ground, programs, binDir, say };
  const has = (part: Part): boolean => chosen.includes(part);
  const startup = has("startup") ? await measureStartup({ ...deps, names, sizes: sizes.startup }) : undefined;
  const cbt = has("cbt") ? await measureCbt({ ...deps, peers, sizes: sizes.cbt }) : undefined;
  const kube = has("kube") ? await measureKube({ ...deps, sizes: sizes.kube }) : undefined;
  say("");
  return {
    machine,
    ...(startup === undefined ? {} : { startup }),
    ...(cbt === undefined ? {} : { cbt }),
    ...(kube === undefined ? {} : { kube }),
  };
}

function print({ machine, startup, cbt, kube }: Figures): void {
  const { date, node, cpu, cores, memoryGiB, kernel, load } = machine;
  console.log(`${date}, Node ${node}, ${cores} × ${cpu}, ${memoryGiB} GiB, Linux ${kernel}; load before: ${load}\n`);
  const tables = [
    ...(startup === undefined ? [] : startupTables(startup)),
    ...(cbt === undefined ? [] : cbtTables(cbt)),
    ...(kube === undefined ? [] : kubeTables(kube)),
  ];
  for (const table of tables) console.log(renderTable(table));
}

async function main(): Promise<void> {
  const order = await readOrder(process.argv.slice(2), process.env["PEERS_DIR"]);
  await using ground = await openGround();
  const figures = await measure(order, ground);
  if (order.json) console.log(JSON.stringify(figures, null, 2));
  else print(figures);
}

for (const name of ["SIGINT", "SIGTERM"] as const) process.once(name, () => process.exit(1));
try {
  await main();
} catch (thrown) {
  console.error(`bench: ${messageOf(thrown)}`);
  process.exitCode = 1;
}
