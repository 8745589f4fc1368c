import { describe, expect, it } from "vitest";
import { cycles, violation } from "./layers.ts";

describe("violation", () => {
  it.each([
    ["pkg/snapshotmetadata/server/a.ts", "pkg/kube/index.ts", undefined],
    ["pkg/kube/client/a.ts", "pkg/csi/index.ts", "pkg/kube may not import pkg/csi"],
    ["pkg/runtime/log/a.ts", "pkg/apis/schema/index.ts", "pkg/runtime may not import pkg/apis"],
    ["pkg/snapshot/a.ts", "pkg/provisioner/index.ts", "pkg/snapshot may not import pkg/provisioner"],
    ["pkg/protection/a.ts", "pkg/repository/index.ts", undefined],
    ["pkg/protection/a.ts", "pkg/snapshot/index.ts", "pkg/protection may not import pkg/snapshot"],
    ["cmd/csi-snapshot-metadata/main.ts", "pkg/dev/kube/index.ts", /development servers/],
    ["cmd/dev-cluster/main.ts", "pkg/dev/kube/index.ts", undefined],
    ["pkg/dev/driver/a.ts", "pkg/snapshotmetadata/index.ts", /no domain/],
    ["pkg/csi/a.ts", "pkg/runtime/errors/failure.ts", /through an index/],
    ["pkg/new/a.ts", "pkg/gen/a.ts", /no rank/],
  ])("%s → %s", (from, to, expected) => {
    const found = violation({ from, to });
    if (expected instanceof RegExp) expect(found).toMatch(expected);
    else expect(found).toBe(expected);
  });
});

describe("cycles", () => {
  it("finds a cycle of three files once", () => {
    const found = cycles([
      { from: "a", to: "b" },
      { from: "b", to: "c" },
      { from: "c", to: "a" },
      { from: "c", to: "d" },
    ]);
    expect(found).toEqual([["a", "b", "c", "a"]]);
  });

  it("finds none in a diamond", () => {
    const found = cycles([
      { from: "a", to: "b" },
      { from: "a", to: "c" },
      { from: "b", to: "d" },
      { from: "c", to: "d" },
    ]);
    expect(found).toEqual([]);
  });
});
