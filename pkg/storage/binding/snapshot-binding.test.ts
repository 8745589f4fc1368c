import { describe, expect, it } from "vitest";
import { bindingFault } from "./index.ts";

const snapshot = { metadata: { name: "s", namespace: "n", uid: "u" } };
const content = (ref: { name?: string; namespace?: string; uid?: string }) => ({
  metadata: { name: "c" },
  spec: { volumeSnapshotRef: ref },
});

describe("bindingFault", () => {
  it.each([
    ["points back", { name: "s", namespace: "n", uid: "u" }, undefined],
    ["another name", { name: "x", namespace: "n", uid: "u" }, "VolumeSnapshotContent c belongs to VolumeSnapshot n/x"],
    [
      "another namespace",
      { name: "s", namespace: "m", uid: "u" },
      "VolumeSnapshotContent c belongs to VolumeSnapshot m/s",
    ],
    ["a former snapshot", { name: "s", namespace: "n", uid: "old" }, /earlier VolumeSnapshot of the same name/],
    ["no uid yet", { name: "s", namespace: "n" }, /not bound yet/],
    ["an empty uid", { name: "s", namespace: "n", uid: "" }, /not bound yet/],
    ["nothing at all", {}, /belongs to VolumeSnapshot/],
  ])("%s", (_, ref, expected) => {
    const fault = bindingFault(snapshot, content(ref));
    if (expected instanceof RegExp) expect(fault).toMatch(expected);
    else expect(fault).toBe(expected);
  });
});
