import { describe, expect, it } from "vitest";
import { crds } from "../../../pkg/apis/index.ts";
import {
  type Crd,
  InvalidObject,
  type KubeObject,
  manifestOf,
  parse,
  withInt64,
} from "../../../pkg/apis/schema/index.ts";
import { type Fixture, fixturesOf } from "../../support/crd-fixtures.ts";
import { ruleNames } from "../../support/crd-rules.ts";
import { Sample } from "../../support/sample-kind.ts";

const kinds: readonly Crd[] = [...crds, Sample];
const examples = kinds.map((crd) => ({ crd, kind: crd.kind, fixtures: fixturesOf(crd.kind.toLowerCase()) }));

/** The server does not run rules over an object of the wrong shape, and says so. We just do not. */
const skippedRules = /^<nil>: /;
/** Of the status subresource the server tells paths from the status on, in one of the two places. */
const place = / \S+ in body /;

function judge(crd: Crd, { before, object }: Fixture): { problems: string[] } | { object: KubeObject } {
  try {
    return { object: before === undefined ? parse(crd, object) : parse(crd, object, parse(crd, before)) };
  } catch (thrown) {
    if (!(thrown instanceof InvalidObject)) throw thrown;
    return {
      problems: thrown.problems.map(({ field, message }) => `${field}: ${message}`.replace(place, " in body ")),
    };
  }
}

describe.each(examples)("$kind in the process judges as the API server", ({ crd, fixtures }) => {
  it.each(fixtures)("$title", (fixture) => {
    const judged = judge(crd, fixture);
    if (fixture.error !== undefined) {
      const [, ...causes] = fixture.error.split("\n");
      const expected = causes
        .filter((each) => !skippedRules.test(each))
        .map((each) => each.replace(place, " in body "));
      expect(judged).toEqual({ problems: expect.anything() });
      expect("problems" in judged && judged.problems.toSorted()).toEqual(expected.toSorted());
    } else {
      if (!("object" in judged)) throw new Error(judged.problems.join("\n"));
      if (fixture.stored !== undefined) expect(judged.object).toEqual(withInt64(crd, fixture.stored));
    }
  });
});

describe("fixtures", () => {
  /** The fields of one condition come from one builder: tried with Sample, the same in every kind. */
  const shared = /^status\.conditions\.items\./;

  it.each(examples)("$kind: every rule has one, and every folder is a rule", ({ crd, fixtures }) => {
    const rules = ruleNames(crd).filter((each) => crd === Sample || !shared.test(each));
    const tried = fixtures.filter(({ error, stored }) => error !== undefined || stored !== undefined);
    expect(rules.filter((rule) => !tried.some((each) => each.rule === rule))).toEqual([]);
    const free = new Set(["accepts", "changes", "pruning", "several", "types", "status.accepts", "status.types"]);
    expect(fixtures.filter(({ rule }) => !rules.includes(rule) && !free.has(rule)).map((each) => each.title)).toEqual(
      [],
    );
  });

  it("try the conditions that the kinds have", () => {
    const conditionsOf = (crd: Crd) => {
      const { schema } = manifestOf(crd).spec.versions[0] ?? {};
      return schema?.openAPIV3Schema.properties?.["status"]?.properties?.["conditions"]?.items;
    };
    const having = crds.filter((crd) => conditionsOf(crd) !== undefined);
    expect(having.map((crd) => crd.kind)).toEqual(["VolumeSnapshot", "VolumeSnapshotContent"]);
    for (const crd of having) expect(conditionsOf(crd)).toEqual(conditionsOf(Sample));
  });
});
