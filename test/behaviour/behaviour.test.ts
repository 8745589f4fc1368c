import { beforeAll, describe, expect, it } from "vitest";
import { embeddedCluster, realCluster, type TestCluster } from "../support/cluster.ts";
import { cases } from "./cases/index.ts";
import { titleOf } from "./suite/case.ts";
import { diffRecordings } from "./suite/diff.ts";
import { readGolden } from "./suite/golden.ts";
import { erased } from "./suite/normalise.ts";
import { type Run, runCases } from "./suite/run.ts";
import type { Recording } from "./suite/transcript.ts";

const { TEST_REAL, TEST_KUBECONFIG } = process.env;
const isRealWanted = (TEST_REAL ?? "") !== "" || (TEST_KUBECONFIG ?? "") !== "";
const runs = new Map<() => Promise<TestCluster>, Promise<Run>>();

/** Tells all cases to a server, once per server. */
function runOn(start: () => Promise<TestCluster>): Promise<Run> {
  const run = runs.get(start) ?? tellAll(start);
  runs.set(start, run);
  return run;
}

async function tellAll(start: () => Promise<TestCluster>): Promise<Run> {
  await using cluster = await start();
  const started = performance.now();
  const run = await runCases(cluster, cases);
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  console.log(`${Object.keys(run.cases).length} cases told to the ${cluster.kind} server in ${seconds} s`);
  return run;
}

/** One test per case, so that the closing line counts cases and a difference is shown where it is. */
function compare(expecting: () => Promise<Recording>, acting: () => Promise<Run>): void {
  let expected: Recording;
  let actual: Run;
  let differences: ReturnType<typeof diffRecordings>;

  beforeAll(async () => {
    [expected, actual] = await Promise.all([expecting(), acting()]);
    differences = diffRecordings(expected, actual);
    const notRun = Object.entries(actual.notRun).map(([title, why]) => `\n  not run: ${title}: ${why}`);
    console.log(
      `${cases.length} cases compared, ${differences.size} differ, ${notRun.length} not run${notRun.join("")}`,
    );
  });

  it.for(cases.map((case_) => ({ title: titleOf(case_) })))("$title", ({ title }, { skip }) => {
    const why = actual.notRun[title];
    if (why !== undefined) skip(why);
    expect(expected.cases, "recorded").toHaveProperty([title]);
    expect(actual.cases, "told").toHaveProperty([title]);
    expect(differences.get(title)?.join("\n") ?? "").toBe("");
  });

  it("knows every recorded case", () => {
    const titles = cases.map(titleOf);
    expect(Object.keys(expected.cases).filter((title) => !titles.includes(title))).toEqual([]);
    expect(new Set(titles).size).toBe(titles.length);
  });
}

beforeAll(() => {
  console.log(`Erased before comparing:\n${erased.map((rule) => `  - ${rule}`).join("\n")}`);
});

describe("the embedded server answers as the recording", () => {
  compare(readGolden, () => runOn(embeddedCluster));
});

if (isRealWanted) {
  describe("the embedded server answers as the real one", () => {
    compare(
      () => runOn(realCluster),
      () => runOn(embeddedCluster),
    );
  });

  describe("the recording is what the real server answers now", () => {
    compare(readGolden, () => runOn(realCluster));

    it("is of the same version", async () => {
      expect((await runOn(realCluster)).serverVersion).toBe((await readGolden()).serverVersion);
    });
  });
}
