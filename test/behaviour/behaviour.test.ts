import { describe, expect, it } from "vitest";
import { embeddedCluster, realCluster } from "../support/cluster.ts";
import { cases } from "./cases/index.ts";
import { titleOf } from "./suite/case.ts";
import { diffRecordings } from "./suite/diff.ts";
import { readGolden } from "./suite/golden.ts";
import { erased } from "./suite/normalise.ts";
import { type Run, runCases } from "./suite/run.ts";
import type { Recording } from "./suite/transcript.ts";

const { TEST_REAL, TEST_KUBECONFIG } = process.env;
const isRealWanted = (TEST_REAL ?? "") !== "" || (TEST_KUBECONFIG ?? "") !== "";

const golden = await readGolden();
const embedded = await runOn(embeddedCluster());
const real = isRealWanted ? await runOn(realCluster()) : undefined;

async function runOn(starting: ReturnType<typeof embeddedCluster>): Promise<Run> {
  await using cluster = await starting;
  return await runCases(cluster, cases);
}

/** One test per case, so that the closing line counts cases, and a difference is shown where it is. */
function compare(expected: Recording, actual: Run): void {
  const differences = diffRecordings(expected, actual);
  it.each(cases.map((case_) => [titleOf(case_)]))("%s", (title, ...rest) => {
    void rest;
    expect(expected.cases, "recorded").toHaveProperty([title]);
    expect(actual.cases, "told").toHaveProperty([title]);
    expect(differences.get(title)?.join("\n") ?? "").toBe("");
  });
  console.log(
    [
      `${cases.length} cases: ${actual.serverVersion} compared with ${expected.serverVersion},`,
      `${differences.size} differ, ${Object.keys(actual.notRun).length} not run`,
      ...Object.entries(actual.notRun).map(([title, why]) => `\n  not run: ${title}: ${why}`),
    ].join(" "),
  );
}

console.log(`Erased before comparing:\n${erased.map((rule) => `  - ${rule}`).join("\n")}`);

describe("the embedded server answers as the recording", () => compare(golden, embedded));

if (real !== undefined) {
  describe("the embedded server answers as the real one", () => compare(real, embedded));
  describe("the recording is current", () => compare(golden, real));
}
