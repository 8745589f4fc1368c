import { status } from "@grpc/grpc-js";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type Ground, openGround } from "../snapshotmetadata/rig.ts";
import { putSnapshot } from "../snapshotmetadata/snapshots.ts";
import { type Answer, type CliRig, openCliRig, runTool } from "./rig.ts";

let ground: Ground;
let cli: CliRig;
let answers: Answer[] = [];
beforeAll(async () => {
  ground = await openGround();
  cli = await openCliRig(ground, () => answers.shift() ?? {});
  await putSnapshot(cli.rig);
});
afterAll(async () => {
  await cli?.[Symbol.asyncDispose]();
  await ground?.[Symbol.asyncDispose]();
});
beforeEach(() => {
  answers = [
    {
      messages: [
        [
          [0, 4096],
          [8192, 4096],
        ],
        [],
        [[65536, 4096]],
      ],
    },
  ];
});

const list = (args: readonly string[], around = {}) => cli.run(["cbt", "list", "-s", "snap", ...args], around);

describe("ndjson", () => {
  it("has one object per record, and a last one that says it is complete, with the handle for next time", async () => {
    const run = await list(["-o", "ndjson"]);
    expect(run).toMatchObject({ code: 0, stderr: "" });
    const fixed = '"block_metadata_type":"FIXED_LENGTH","volume_capacity_bytes":1048576';
    expect(run.stdout.split("\n")).toEqual([
      `{"record":1,${fixed},"block_metadata":[{"byte_offset":0,"size_bytes":4096},{"byte_offset":8192,"size_bytes":4096}]}`,
      `{"record":2,${fixed},"block_metadata":[]}`,
      `{"record":3,${fixed},"block_metadata":[{"byte_offset":65536,"size_bytes":4096}]}`,
      '{"complete":true,"records":3,"ranges":3,"range_bytes":12288,"resumes":0,"tier":"allocated","fallbacks":[],' +
        `"driver_name":"${cli.rig.driverName}","snapshot_handle":"handle-1","base_snapshot_handle":null,` +
        '"require_base_snapshot_for_delta":null}',
      "",
    ]);
  });

  it("names the base of a delta, and whether it must be kept", async () => {
    for (const requireBaseSnapshotForDelta of [true, false]) {
      await cli.announce({ requireBaseSnapshotForDelta });
      const { stdout } = await list(["-o", "ndjson", "-P", "base-1"]);
      const last = JSON.parse(stdout.trim().split("\n").at(-1) ?? "");
      const told = { base_snapshot_handle: "base-1", require_base_snapshot_for_delta: requireBaseSnapshotForDelta };
      expect(last).toMatchObject(told);
    }
  });

  it("has no last object when the list breaks off", async () => {
    answers = [{ messages: [[[0, 4096]]], fail: { code: status.INTERNAL, details: "broken" } }];
    const run = await list(["-o", "ndjson"]);
    expect(run).toMatchObject({ code: 1, stderr: expect.stringContaining("INTERNAL: broken") });
    expect(
      run.stdout
        .trim()
        .split("\n")
        .map((line) => Object.keys(JSON.parse(line))[0]),
    ).toEqual(["record"]);
  });
});

describe("progress", () => {
  it("stands on stderr when that is a terminal and the list goes elsewhere, and is taken away", async () => {
    const run = await list(["-o", "json"], { terminals: { stderr: 100 } });
    expect(run.stderr).toContain(" of 1 MiB");
    expect(run.stderr.endsWith("\r\x1b[K")).toBe(true);
    expect(run.stdout).toContain('[{"block_metadata_type":1');
  });

  it.each([
    ["stderr is none", {}],
    ["the list is on the terminal too", { terminals: { stderr: 100, stdout: 100 } }],
  ])("is not there when %s: a success leaves stderr empty", async (_, around) => {
    expect(await list([], around)).toMatchObject({ code: 0, stderr: "" });
  });

  it("lets the news of a broken stream stand, and counts it", async () => {
    answers = [
      { messages: [[[0, 4096]]], fail: { code: status.UNAVAILABLE, details: "gone" } },
      { messages: [[[4096, 4096]]] },
    ];
    const run = await list([], { terminals: { stderr: 200 } });
    expect(run.code).toBe(0);
    expect(run.stderr).toMatch(/the stream broke .*gone.*taking it up at byte 4096/);
    expect(run.stdout.trim().split("\n")).toHaveLength(4);
  });
});

describe("started under the name of the original's lister", () => {
  const program = "snapshot-metadata-lister";
  const flags = () => [`-n=${cli.rig.namespace}`, "--s", "snap", `--address=127.0.0.1:${cli.rig.port}`];

  it("it is the original's lister", async () => {
    const argv = [...flags(), "-kubeconfig", cli.kubeconfig, "-output-format=json", "-max-results", "7"];
    const run = await runTool(argv, { program });
    expect(run).toMatchObject({ code: 0, stderr: "" });
    expect(run.stdout).toMatch(/^\[\{"block_metadata_type":1,"volume_capacity_bytes":1048576,.*\]$/);
    expect(cli.rig.driver.seen.at(-1)?.request.maxResults).toBe(7);
  });

  it.each<[string, string[], number, RegExp]>([
    ["no arguments", [], 1, /^snapshot-metadata-lister: --snapshot: is required/],
    ["an unknown flag", ["-what"], 2, /^snapshot-metadata-lister: unknown flag --what/],
    ["an unknown format", ["-s=a", "-o=xml"], 1, /^snapshot-metadata-lister: --output-format: invalid value "xml"/],
    ["-h", ["-h"], 0, /--starting-offset.*--token-expiry/s],
    ["-help", ["-help"], 0, /--starting-offset.*--token-expiry/s],
  ])("%s: the original's exit code, and all words on stderr", async (_, argv, code, words) => {
    const run = await runTool(argv, { program, env: { HOME: "/nowhere" } });
    expect(run).toMatchObject({ code, stdout: "" });
    expect(run.stderr).toMatch(words);
  });

  it("looks for ~/.kube/config, not for $KUBECONFIG", async () => {
    const env = { KUBECONFIG: cli.kubeconfig, HOME: "/nowhere" };
    expect(await runTool(["cbt", "list", ...flags()], { env })).toMatchObject({ code: 0 });
    const run = await runTool(flags(), { env, program });
    expect(run).toMatchObject({ code: 1, stderr: expect.stringContaining("/nowhere/.kube/config does not exist") });
  });
});
