import { X509Certificate } from "node:crypto";
import { beforeAll, describe, expect, it } from "vitest";
import { createAuthority } from "../../runtime/certificates/index.ts";
import { type OverlapInput, planOverlap } from "./overlap.ts";

const hour = 3_600_000;
const now = Date.now();
const names = new Map<string, string>();
let old: X509Certificate;
let fresh: X509Certificate;
let newest: X509Certificate;

beforeAll(async () => {
  const make = async (name: string) => new X509Certificate((await createAuthority({ name: `CN=${name}` })).caPem);
  [old, fresh, newest] = await Promise.all([make("old"), make("new"), make("newest")]);
  for (const each of [old, fresh, newest]) names.set(each.fingerprint256, each.subject.slice(3));
});

/** What is planned, in words: who is published, and who goes in how many hours. */
function plan(input: Partial<OverlapInput>) {
  const nowMs = input.nowMs ?? now;
  const { bundle, published, nextMs, overdue } = planOverlap({
    wanted: [],
    present: [],
    annotation: undefined,
    overlapMs: hour,
    needed: () => false,
    nowMs,
    ...input,
  });
  const goes = Object.entries(published).map(([print, time]) => {
    const inHours = time === "" ? "stays" : (Date.parse(time) - nowMs) / hour;
    return [names.get(print), inHours];
  });
  return {
    bundle: bundle.map((each) => names.get(each.fingerprint256)).join(" "),
    goes: Object.fromEntries(goes) as Record<string, unknown>,
    nextHours: nextMs / hour,
    overdue: overdue.map((each) => names.get(each.fingerprint256)),
    annotation: JSON.stringify(published),
  };
}

/** The annotation: each certificate, and the hours after which it goes. */
const note = (...entries: [X509Certificate, number | ""][]): string =>
  JSON.stringify(
    Object.fromEntries(
      entries.map(([each, hours]) => [
        each.fingerprint256,
        hours === "" ? "" : new Date(now + hours * hour).toISOString(),
      ]),
    ),
  );

describe("planOverlap", () => {
  it("publishes the file", () => {
    expect(plan({ wanted: [old] })).toMatchObject({ bundle: "old", goes: { old: "stays" }, nextHours: Infinity });
  });

  it("keeps what has left the file, for the overlap, counted once", () => {
    const first = plan({ wanted: [fresh], present: [old], annotation: note([old, ""]) });
    expect(first).toMatchObject({ bundle: "old new", goes: { old: 1, new: "stays" }, nextHours: 1 });
    const { annotation } = first;
    const later = { wanted: [fresh], present: [old, fresh], annotation };
    expect(plan({ ...later, nowMs: now + hour / 2, overlapMs: 9 * hour }).annotation).toBe(annotation);
    expect(plan({ ...later, nowMs: now + hour })).toMatchObject({ bundle: "new", goes: { new: "stays" } });
  });

  it("counts what it finds at its first look as published", () => {
    for (const annotation of [undefined, "not JSON", "[]", "null"]) {
      expect(plan({ wanted: [fresh], present: [old], annotation })).toMatchObject({
        bundle: "old new",
        goes: { old: 1 },
      });
    }
  });

  it("takes out at once what neither the file nor this program put there", () => {
    expect(plan({ wanted: [fresh], present: [old, fresh], annotation: note([fresh, ""]) }).bundle).toBe("new");
  });

  it("drops nothing that the served certificate needs, and says so", () => {
    const input = { wanted: [fresh], present: [old], annotation: note([old, -5]), needed: () => true };
    expect(plan(input)).toMatchObject({ bundle: "old new", overdue: ["old"], nextHours: Infinity });
  });

  it("drops what has expired, needed or not", () => {
    const input = { wanted: [], present: [old], annotation: note([old, ""]), needed: () => true };
    expect(plan({ ...input, nowMs: old.validToDate.getTime() }).bundle).toBe("");
    expect(plan({ ...input, overlapMs: 1000 * hour, nowMs: old.validToDate.getTime() - hour }).goes).toEqual({
      old: 1,
    });
  });

  it("takes up a certificate that comes back", () => {
    expect(plan({ wanted: [old], present: [old, fresh], annotation: note([old, -1], [fresh, ""]) })).toMatchObject({
      bundle: "old new",
      goes: { old: "stays", new: 1 },
    });
  });

  it("two replicas, one with the file from before, come to rest with both published", () => {
    let present = [old];
    let annotation = note([old, ""]);
    const turn = (wanted: X509Certificate[]): boolean => {
      const next = planOverlap({
        wanted,
        present,
        annotation,
        overlapMs: hour,
        nowMs: now,
        needed: () => false,
      });
      const text = JSON.stringify(Object.fromEntries(Object.entries(next.published).toSorted()));
      const changed = text !== annotation || next.bundle.length !== present.length;
      present = [...next.bundle];
      annotation = text;
      return changed;
    };
    const rounds = [1, 2, 3, 4].map(() => [turn([fresh]), turn([old])]);
    expect(rounds.at(-1)).toEqual([false, false]);
    expect(present.map((each) => names.get(each.fingerprint256))).toEqual(["old", "new"]);
  });

  it("a rotation after the last one was forgotten starts its own overlap", () => {
    const afterwards = plan({ wanted: [fresh], present: [fresh], annotation: note([fresh, -1]) });
    expect(afterwards.goes).toEqual({ new: "stays" });
    expect(plan({ wanted: [newest], present: [fresh], annotation: afterwards.annotation }).goes).toEqual({
      newest: "stays",
      new: 1,
    });
  });
});
