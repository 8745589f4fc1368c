import { describe, expect, it } from "vitest";
import { plantedFaults } from "../../pkg/dev/kube/index.ts";
import { embeddedCluster } from "../support/cluster.ts";
import { cases } from "./cases/index.ts";
import { noticedBy } from "./faults.ts";
import { titleOf } from "./suite/case.ts";
import { diffRecordings } from "./suite/diff.ts";
import { readGolden } from "./suite/golden.ts";
import { runCases } from "./suite/run.ts";

const golden = await readGolden();

// A planted fault makes some things never happen; nobody needs to wait for them as long as usual.
const patienceMs = 1_500;

function named(titles: readonly string[]): typeof cases {
  const chosen = cases.filter((case_) => titles.includes(titleOf(case_)));
  expect(chosen.map(titleOf).sort(), "cases of these names").toEqual([...titles].sort());
  return chosen;
}

describe("a fault planted in the embedded server is noticed", () => {
  it.each(plantedFaults)("%s", async (fault) => {
    await using cluster = await embeddedCluster({ faults: { [fault]: true } });
    const run = await runCases(cluster, named(noticedBy[fault]), { patienceMs });
    expect(Object.keys(run.notRun)).toEqual([]);
    expect([...diffRecordings(golden, run).keys()].sort(), "cases that differ").toEqual([...noticedBy[fault]].sort());
  });
});

describe("a server without faults", () => {
  it("is told the same cases without a difference", async () => {
    await using cluster = await embeddedCluster();
    const titles = [...new Set(Object.values(noticedBy).flat())];
    const run = await runCases(cluster, named(titles));
    expect(Object.fromEntries(diffRecordings(golden, run))).toEqual({});
  });
});
