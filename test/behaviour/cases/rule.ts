import { feature } from "../suite/case.ts";
import type { Session } from "../suite/session.ts";
import { gauge } from "./objects.ts";

/** A story that creates a Gauge with each of the specs. */
function specs(...list: readonly object[]) {
  return async (c: Session): Promise<void> => {
    for (const [index, spec] of list.entries()) await c.create("gauges", gauge(`g${index}`, spec));
  };
}

/** A story that creates a Gauge and changes its spec by merge patches, one after another. */
function changes(first: object, ...patches: readonly object[]) {
  return async (c: Session): Promise<void> => {
    await c.create("gauges", gauge("a", first));
    for (const spec of patches) await c.patch("gauges", "a", "merge", { spec });
  };
}

/** Validation rules in CEL. */
export const rule = feature("rule", {
  "a comparison of two fields": specs({ min: 2, max: 1 }, { min: 1, max: 2 }, { min: 1 }, {}),
  "a rule on a scalar": specs({ min: -1 }, { min: 0 }),
  "a message that is computed": specs({ unit: "inch" }, { unit: "bar" }),
  "a rule without a message": specs({ code: "x" }, { code: "AB12" }),
  "a rule on each element of a list": specs({ names: ["n1", "x", "y"] }, { names: ["n1", "n2"] }),
  "a rule on a list": specs({ names: ["n1", "n1"] }),
  "a rule on each value of a map": specs({ weights: { a: 10, b: 1, c: 99 } }, { weights: { a: 9 } }),
  "a rule with map and has": specs({ parts: [{ name: "a", size: 101 }, { name: "b" }] }, { parts: [{ name: "b" }] }),
  "a rule with a reason and a path of its own": specs({ left: "a", right: "b" }, { right: "b" }),
  "times and durations": specs(
    { since: "2019-01-01T00:00:00Z" },
    { since: "2021-01-01T00:00:00Z" },
    { every: "2h" },
    { every: "30m" },
  ),
  "rules are not asked when the type is wrong": specs({ min: "x", max: 1 }, { unit: 5 }),
  "several rules at once": specs({ min: -1, max: -2, unit: "inch", code: "x" }),
  "what never changes": changes(
    { serial: "a" },
    { serial: "b" },
    { serial: "a", max: 1 },
    { serial: null },
    { serial: "c" },
  ),
  "what only grows": changes({ grows: 5 }, { grows: 4 }, { grows: 5 }, { grows: 6 }),
  "what is set on creation or never": changes({ left: "a" }, { left: null }, { left: "b" }),
  "what may not be added later": changes({ min: 1 }, { left: "a" }),
  "what may not be taken away": changes(
    { deleted: { at: "x" } },
    { deleted: { at: null } },
    { deleted: null },
    { deleted: {} },
  ),
  "an old value that may be missing": changes(
    {},
    { once: { value: "a" } },
    { once: { value: "b" } },
    { once: { value: "a" } },
  ),
  "an old value that may be missing, on creation": specs({ once: { value: "a" } }),
  "an update by PUT": async (c) => {
    const { body } = await c.create("gauges", gauge("a", { serial: "a", grows: 1 }));
    await c.update("gauges", { ...body, spec: { serial: "b", grows: 0 } });
  },
  "transition rules do not hold for a new object": specs({ serial: "x", grows: 0 }),
  "rules hold for a trial too": async (c) => {
    await c.create("gauges", gauge("a", { min: 2, max: 1 }), { query: { dryRun: "All" } });
  },
  "a bad object that was there before the rule": async (c) => {
    // A change elsewhere must not be blocked by what nobody touched.
    await c.create("gauges", gauge("a", { min: 1, max: 2 }));
    await c.patch("gauges", "a", "merge", { metadata: { labels: { x: "y" } } });
  },
  "null is the same as missing": specs({ left: null, right: "b" }, { min: null, max: 1 }),
});
