/** Records the golden transcripts anew, from TEST_KUBECONFIG or a fresh control plane: `node test/behaviour/record.ts`. */
import { spawnSync } from "node:child_process";
import { realCluster } from "../support/cluster.ts";
import { cases } from "./cases/index.ts";
import { writeGolden } from "./suite/golden.ts";
import { runCases } from "./suite/run.ts";

await using cluster = await realCluster();
const started = performance.now();
const run = await runCases(cluster, cases);
await writeGolden(run);
const took = ((performance.now() - started) / 1000).toFixed(1);
spawnSync("biome", ["format", "--write", "test/behaviour/golden"], { cwd: `${import.meta.dirname}/../..` });
process.stdout.write(`${Object.keys(run.cases).length} cases recorded from ${run.serverVersion} in ${took} s\n`);
for (const [title, why] of Object.entries(run.notRun)) process.stdout.write(`not recorded: ${title} (${why})\n`);
const slowest = Object.entries(run.tookMs).sort(([, a], [, b]) => b - a);
for (const [title, ms] of slowest.slice(0, 5)) process.stdout.write(`${String(ms).padStart(6)} ms  ${title}\n`);
