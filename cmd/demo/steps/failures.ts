import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Role } from "../../../pkg/apis/core/index.ts";
import { Failure } from "../../../pkg/runtime/errors/index.ts";
import type { ToolRun } from "../processes/tool.ts";
import type { Outcome } from "../screen/narrator.ts";
import { count } from "../screen/units.ts";
import { blockBytes, type Cluster, names, type World } from "../world.ts";
import { bind, tokenOf } from "./access.ts";
import type { Snapshot } from "./administrator.ts";
import { type Listing, resumed, shown, succeeded } from "./backup.ts";
import { fresh } from "./cluster.ts";
import type { Driver } from "./driver.ts";

const { namespace, backup, intern } = names;

/** A token that is good, but for somebody else: refused; with the right audience: served. */
export async function wrongToken(world: World, cluster: Cluster, { name }: Snapshot): Promise<Outcome<undefined>> {
  const file = join(world.folder, "token");
  const args = ["cbt", "list", "-s", name, `--token-file=${file}`];
  await writeFile(file, await tokenOf(cluster, namespace, backup, "somebody-else"), { mode: 0o600 });
  const refusal = await refused(world, args, "UNAUTHENTICATED");
  await writeFile(file, await tokenOf(cluster, namespace, backup, names.audience));
  await succeeded(world, args);
  return {
    value: undefined,
    note: "refused; with a token for the right audience, served",
    lines: [shown(world, args), refusal],
  };
}

/** A ServiceAccount that may not read snapshots: refused; once it may: served. */
export async function missingRight(world: World, cluster: Cluster, { name }: Snapshot): Promise<Outcome<undefined>> {
  const file = join(world.folder, "token");
  const args = ["cbt", "list", "-s", name, `--token-file=${file}`];
  await writeFile(file, await tokenOf(cluster, namespace, intern, names.audience), { mode: 0o600 });
  const refusal = await refused(world, args, "PERMISSION_DENIED");
  await fresh(cluster.admin, Role, {
    metadata: { namespace, name: intern },
    rules: [{ apiGroups: ["snapshot.storage.k8s.io"], resources: ["volumesnapshots"], verbs: ["get"] }],
  });
  await bind(cluster, intern, intern);
  await succeeded(world, args);
  return {
    value: undefined,
    note: `refused; with a Role for ${namespace}/${intern}, served`,
    lines: [shown(world, args), refusal],
  };
}

/** A snapshot nobody took. */
export async function unknownSnapshot(world: World, { name }: Snapshot): Promise<Outcome<undefined>> {
  const args = ["cbt", "list", "-s", "yesterday", "-p", name];
  const refusal = await refused(world, args, "does not exist");
  await succeeded(world, ["cbt", "list", "-s", name]);
  return { value: undefined, note: "refused; with the right name, served", lines: [shown(world, args), refusal] };
}

/** The driver is killed in the middle of a stream: the list goes on where it broke, and is the same list. */
export async function killedDriver(
  world: World,
  driver: Driver,
  snapshot: Snapshot,
  since: Snapshot,
  expected: Listing,
): Promise<Outcome<undefined>> {
  const perMessage = 8;
  const args = ["cbt", "list", "-s", snapshot.name, "-p", since.name, `--max-results=${perMessage}`];
  // The driver stands still after three messages, so that the kill finds it in the middle whatever the machine.
  await driver.fault({ GetMetadataDelta: { hang: true, afterMessages: 3, times: 1 } });
  const headerLines = 2;
  let killed = false;
  const onOutput = (stdout: string): void => {
    if (killed || stdout.split("\n").length <= headerLines + 3 * perMessage) return;
    killed = true;
    void driver.fault().then(() => driver.service.kill());
  };
  const run = await world.tool(args, { onOutput });
  await driver.fault();
  await driver.service.back();
  if (run.code !== 0) throw new Failure("terminal", "NotResumed", run.stderr.trim());
  const offsets = run.stdout
    .trimEnd()
    .split("\n")
    .slice(headerLines)
    .map((line) => Number(line.trim().split(/\s+/)[3]));
  const same =
    offsets.length === expected.ranges.length && offsets.every((offset, at) => offset === expected.ranges[at]?.offset);
  const notices = resumed(run);
  if (!same || notices.length === 0) {
    throw new Failure(
      "terminal",
      "NotResumed",
      `the list after the kill has ${offsets.length} ranges, ${expected.ranges.length} were expected`,
    );
  }
  return {
    value: undefined,
    note: `taken up where it broke, the same ${count(expected.bytes / blockBytes)} blocks`,
    lines: [shown(world, args), ...notices],
    data: { resumes: notices.length },
  };
}

/** Runs the tool, which must fail and say these words. Returns its message. */
async function refused(world: World, args: readonly string[], words: string): Promise<string> {
  const run: ToolRun = await world.tool(args);
  const message = run.stderr.trim();
  if (run.code === 1 && message.includes(words) && run.stdout === "") return message;
  throw new Failure(
    "terminal",
    "NotRefused",
    `expected a refusal with "${words}"; code ${run.code}: ${message || run.stdout.slice(0, 200)}`,
  );
}
