import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { SnapshotMetadataService } from "../../pkg/apis/cbt/index.ts";
import { createKubeClient, loadKubeConfig } from "../../pkg/kube/client/index.ts";
import { silentLogger } from "../../pkg/runtime/log/index.ts";
import { givenCluster, resultOf, startDemo, whenStepBegins } from "./demo-process.ts";

const steps = (events: readonly { readonly [field: string]: unknown }[]): unknown[] =>
  events.filter((each) => each["event"] === "step").map((each) => each["title"]);

describe("the demo", () => {
  it.each([["--keep"], ["--drop-tuple"]])("does not begin with --serve and %s", async (flag) => {
    await using demo = await startDemo({ args: ["--serve", flag] });
    expect(await demo.ended).toMatchObject({ code: 1 });
    expect([demo.events, await demo.leftovers()]).toEqual([[], []]);
  });

  it("ends well: both states rebuilt, equal byte for byte, every refusal shown, nothing left", async () => {
    await using demo = await startDemo({ args: [] });
    expect(await demo.ended).toEqual({ code: 0, signal: null });
    const result = resultOf(demo);
    expect(result).toMatchObject({ ok: true });
    const of = (title: string) =>
      demo.events.find((each) => each.event === "step" && each["title"] === title)?.["data"];
    expect(of("SQLite, directly on the device")).toMatchObject({ rows: 200_000, changes: 0 });
    expect(of("The rebuilt database")).toMatchObject({ rows: 200_000, changes: 4000 });
    expect(of("First state, byte for byte")).not.toEqual(of("Second state, byte for byte"));
    const [allocated, changed] = [of("Allocated blocks of monday"), of("Changed since monday")] as {
      blocks: number;
      bytes: number;
    }[];
    expect(allocated?.blocks).toBeGreaterThan(10_000);
    expect(changed?.blocks).toBeGreaterThan(100);
    expect(changed?.blocks).toBeLessThan(2000);
    // The rebuilding process read what was named, and not a byte more.
    expect(of("First state, from allocated blocks")).toMatchObject({ sourceBytesRead: allocated?.bytes });
    expect(of("Second state, from changed blocks")).toMatchObject({ sourceBytesRead: changed?.bytes });
    expect(steps(demo.events).slice(-4)).toEqual([
      "A token for somebody else",
      "A missing right",
      "An unknown snapshot",
      "The driver killed mid-stream",
    ]);
    expect(await demo.leftovers()).toEqual([]);
  });

  it("fails when the driver loses one changed block", async () => {
    await using demo = await startDemo({ args: ["--rows=3000", "--drop-tuple"] });
    expect(await demo.ended).toMatchObject({ code: 1 });
    expect(resultOf(demo)).toMatchObject({
      ok: false,
      step: "Second state, byte for byte",
      error: expect.stringContaining("1 block differs, the first at byte"),
    });
    expect(await demo.leftovers()).toEqual([]);
  });

  it("leaves nothing behind after Ctrl-C", async () => {
    const on = whenStepBegins("First state, from allocated blocks", ({ pid }) => process.kill(pid, "SIGINT"));
    await using demo = await startDemo({ on });
    expect(await demo.ended).toEqual({ code: 130, signal: null });
    expect(resultOf(demo)).toMatchObject({ ok: false, error: "stopped by SIGINT" });
    expect(await demo.leftovers()).toEqual([]);
  });

  it("refuses flags it does not know", async () => {
    await using demo = await startDemo({ args: ["--rows=7", "--rowz=1"] });
    expect(await demo.ended).toMatchObject({ code: 2 });
    expect(demo.events).toEqual([]);
  });
});

describe("kill -9 in the middle of the demo", () => {
  const killing = (victim: string, title: string) =>
    whenStepBegins(title, (demo) => process.kill(demo.pidOf(victim), "SIGKILL"));

  it("the driver and the sidecar: they come back, and the result is right", async () => {
    const kills = [
      killing("dev-driver", "Snapshot monday"),
      killing("csi-snapshot-metadata", "Changed since monday"),
      killing("dev-driver", "First state, from allocated blocks"),
      killing("csi-snapshot-metadata", "Second state, from changed blocks"),
    ];
    await using demo = await startDemo({ on: (event, run) => kills.forEach((kill) => void kill(event, run)) });
    const ending = await demo.ended;
    expect(resultOf(demo)["error"]).toBeUndefined();
    expect(resultOf(demo)).toMatchObject({ ok: true });
    expect(ending).toEqual({ code: 0, signal: null });
    const life = (name: string) => demo.events.filter((each) => each["name"] === name).map((each) => each["state"]);
    expect(life("dev-driver")).toEqual(["started", ...Array(3).fill(["killed", "started"]).flat()]);
    expect(life("csi-snapshot-metadata")).toEqual(["started", "killed", "started", "killed", "started"]);
    expect(await demo.leftovers()).toEqual([]);
  });

  it("the API server: a clear failure", async ({ skip }) => {
    skip(givenCluster !== "", "the cluster of TEST_KUBECONFIG is not the demo's to kill");
    await using demo = await startDemo({ on: killing("dev-cluster", "Changed since monday") });
    expect(await demo.ended).toMatchObject({ code: 1 });
    const error = expect.stringMatching(/dev-cluster was ended by SIGKILL/);
    expect(resultOf(demo)).toMatchObject({ ok: false, error });
    expect(await demo.leftovers()).toEqual([]);
  });

  it.each(["chunk-applied", "verified"])(
    "the rebuilding process, once %s: a clear failure, and no image that looks complete",
    async (point) => {
      const env = { CSI_DATA_PROTECTION_FAILPOINTS: `${point}=kill` };
      await using demo = await startDemo({ env, args: ["--rows=3000", "--keep"] });
      expect(await demo.ended).toMatchObject({ code: 1 });
      const step = "First state, from allocated blocks";
      const error = expect.stringContaining("kubectl-protect cbt rebuild was ended by SIGKILL");
      expect(resultOf(demo)).toMatchObject({ ok: false, step, error, kept: expect.any(Array) });
      const [folder = ""] = await readdir(demo.temp);
      expect(await readdir(join(demo.temp, folder, "images"))).toEqual([".monday.img.partial"]);
    },
  );

  it("the demo itself: nothing is left", async () => {
    const on = whenStepBegins("Changed since monday", ({ pid }) => process.kill(pid, "SIGKILL"));
    await using demo = await startDemo({ on });
    expect(await demo.ended).toMatchObject({ signal: "SIGKILL" });
    await expect.poll(() => demo.leftovers(), { timeout: 20_000 }).toEqual([]);
  });
});

it("--serve keeps API server, driver and sidecar until it is told to stop, and leaves nothing", async () => {
  const { promise: up, resolve } = Promise.withResolvers<void>();
  await using demo = await startDemo({ args: ["--serve"], on: ({ event }) => event === "result" && resolve() });
  await Promise.race([up, demo.ended]);
  const kept = resultOf(demo)?.["kept"] as string[];
  const file = kept.join("\n").match(/KUBECONFIG=(\S+) {3}\(the administrator\)/)?.[1] ?? "";
  const client = createKubeClient({
    config: loadKubeConfig({ kubeconfig: file }),
    userAgent: "test",
    log: silentLogger(),
  });
  const services = await client.list(SnapshotMetadataService);
  await client.close();
  expect(services.items.map((each) => each.metadata.name)).toContain("dev.csi-data-protection.io");
  process.kill(demo.pid, "SIGINT");
  expect(await demo.ended).toMatchObject({ code: 0 });
  expect(await demo.leftovers()).toEqual([]);
});
