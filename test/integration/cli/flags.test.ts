/** Each flag of a question with a value that changes what comes out. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { status } from "@grpc/grpc-js";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { eventually } from "../../support/eventually.ts";
import { makeIdentity } from "../../support/identity.ts";
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
  answers = [];
});

const list = (...args: readonly string[]) => cli.run(["cbt", "list", "-s", "snap", ...args]);
const asked = () => cli.rig.driver.seen.at(-1);

it.each<[string, string[], object]>([
  ["--starting-offset", ["--starting-offset=8192"], { startingOffset: 8192n }],
  ["--max-results", ["--max-results=3"], { maxResults: 3 }],
  ["--previous-snapshot-id", ["--previous-snapshot-id=base-1"], { baseSnapshotId: "base-1" }],
  ["--previous-snapshot", ["--previous-snapshot=snap"], { baseSnapshotId: "handle-1" }],
  ["-P wins over -p", ["-p=nowhere", "-P=base-2"], { baseSnapshotId: "base-2" }],
])("%s reaches the driver", async (_, args, request) => {
  expect(await list(...args)).toMatchObject({ code: 0, stderr: "" });
  expect(asked()?.request).toMatchObject(request);
});

describe("how the service is reached", () => {
  const direct = (...args: readonly string[]) =>
    runTool([
      "cbt",
      "list",
      "-s=snap",
      `-n=${cli.rig.namespace}`,
      `--kubeconfig=${cli.kubeconfig}`,
      "--resume-attempts=1",
      ...args,
    ]);

  it("without --address it is the SnapshotMetadataService's", async () => {
    await cli.announce({ address: "127.0.0.1:1" });
    expect(await direct()).toMatchObject({ code: 1, stderr: expect.stringContaining("127.0.0.1:1: UNAVAILABLE") });
    await cli.announce({ address: `localhost:${cli.rig.port}` });
    expect(await direct()).toMatchObject({ code: 0, stderr: "" });
    await cli.announce({ address: "127.0.0.1:1" });
    expect(await direct(`--address=127.0.0.1:${cli.rig.port}`)).toMatchObject({ code: 0, stderr: "" });
  });

  it("--server-name is the name that the certificate must carry", async () => {
    const address = `--address=127.0.0.1:${cli.rig.port}`;
    const wrong = await direct(address, "--server-name=metadata.elsewhere.svc");
    expect(wrong).toMatchObject({ code: 1, stderr: expect.stringContaining("metadata.elsewhere.svc") });
    expect(await direct(address, "--server-name=localhost")).toMatchObject({ code: 0, stderr: "" });
  });

  it("--resume-attempts bounds how often a broken stream is taken up", async () => {
    const broken: Answer = { fail: { code: status.UNAVAILABLE, details: "gone" } };
    answers = [broken, broken];
    expect(await list("--resume-attempts=2")).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("(2 attempts)"),
    });
    answers = [broken, broken];
    expect(await list("--resume-attempts=3")).toMatchObject({ code: 0 });
  });
});

describe("whose token it is", () => {
  it("--service-account names whose; without a right there is none", async () => {
    const { admin, namespace } = cli.rig;
    await makeIdentity(admin, { namespace, name: "stranger" }, []);
    const as = (name: string) => list(`--service-account=${name}`, `--service-account-namespace=${namespace}`);
    expect(await as("stranger")).toMatchObject({
      code: 1,
      stderr: expect.stringContaining(`${namespace}:stranger may not`),
    });
    expect(await as("reader")).toMatchObject({ code: 0, stderr: "" });
  });

  it("--token-expiry is asked of the API server, which has a shortest", async () => {
    expect(await list("--token-expiry=599")).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/token.*600|expirationSeconds/),
    });
    expect(await list("--token-expiry=700")).toMatchObject({ code: 0, stderr: "" });
  });

  it("--token-file is used instead of a request, and read again for each stream", async () => {
    const file = join(cli.folder, "token");
    await writeFile(file, "nonsense\n");
    expect(await list(`--token-file=${file}`)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("UNAUTHENTICATED"),
    });
    await writeFile(file, await cli.rig.token({ audience: "elsewhere" }));
    expect(await list(`--token-file=${file}`)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("UNAUTHENTICATED"),
    });
    await writeFile(file, `${await cli.rig.token()}\n`);
    expect(await list(`--token-file=${file}`)).toMatchObject({ code: 0, stderr: "" });
    answers = [{ fail: { code: status.UNAVAILABLE, details: "gone" } }, {}];
    const broken = list(`--token-file=${file}`);
    expect(await broken).toMatchObject({ code: 0, stderr: expect.stringContaining("taking it up") });
    expect((await list("--token-file=/nowhere/token")).stderr).toContain("/nowhere/token");
  });
});

it("--namespace is that of the kubeconfig where it is absent, and required where that has none", async () => {
  const run = await runTool(["cbt", "list", "-s=snap", `--kubeconfig=${cli.kubeconfig}`]);
  expect(run).toMatchObject({ code: 1, stderr: expect.stringContaining("--namespace: is required") });
  const named = [`--namespace=${cli.rig.namespace}`, `--address=127.0.0.1:${cli.rig.port}`];
  expect(await runTool(["cbt", "list", "-s=snap", `--kubeconfig=${cli.kubeconfig}`, ...named])).toMatchObject({
    code: 0,
  });
});

it("a server that is busy and says when to ask again is asked again then", async () => {
  const { promise: until, resolve: release } = Promise.withResolvers<void>();
  const both: Answer[] = [{ until }, { messages: [[[0, 4096]]] }];
  await using busy = await openCliRig(ground, () => both.shift() ?? {}, ["--max-streams-per-identity=1"]);
  await putSnapshot(busy.rig);
  const first = busy.run(["cbt", "list", "-s=snap"]);
  await eventually("the first is under way", () => expect(busy.rig.driver.seen).toHaveLength(1));
  const second = busy.run(["cbt", "list", "-s=snap", "-o=ndjson"]);
  await eventually("the second was refused", async () =>
    expect((await busy.rig.http("/metrics")).body).toMatch(/grpc_status_code="ResourceExhausted".*\} [1-9]/),
  );
  release();
  expect(await first).toMatchObject({ code: 0, stderr: "" });
  const run = await second;
  expect(run).toMatchObject({
    code: 0,
    stderr: expect.stringMatching(/RESOURCE_EXHAUSTED.*taking it up at byte 0 in \d+ ms/),
  });
  expect(run.stdout).toContain('"complete":true,"records":1');
});
