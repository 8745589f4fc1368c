import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Role } from "../../../pkg/apis/core/index.ts";
import { count } from "../../../pkg/cli/screen/units.ts";
import { Failure } from "../../../pkg/runtime/errors/index.ts";
import type { ToolRun } from "../processes/tool.ts";
import type { Outcome } from "../screen/narrator.ts";
import { blockBytes, type Cluster, names, type World } from "../world.ts";
import { bind, tokenOf } from "./access.ts";
import type { Snapshot } from "./administrator.ts";
import { type Listing, resumed, shown, succeeded } from "./backup.ts";
import { fresh } from "./cluster.ts";
import type { Driver } from "./driver.ts";

const { namespace, backup, intern } = names;

/** A token that is good, but for somebody else: refused; with the right audience: served. */
export async function wrongToken(world: World, cluster: Cluster, { name }: Snapshot): Promise<Outcome<undefined>> {
  const list = async (file: string, audience: string): Promise<string[]> => {
    const path = join(world.folder, file);
    await writeFile(path, await tokenOf(cluster, namespace, backup, audience), { mode: 0o600 });
    return ["cbt", "list", "-s", name, `--token-file=${path}`];
  };
  const wrong = await list("stray-token", "somebody-else");
  const right = await list("token", names.audience);
  const [refusal] = await Promise.all([refused(world, wrong, "UNAUTHENTICATED"), succeeded(world, right)]);
  const note = "refused; with a token for the right audience, served";
  return { value: undefined, note, lines: [shown(world, wrong), refusal] };
}

/** A ServiceAccount that may not read snapshots: refused; once it may: served. */
export async function missingRight(world: World, cluster: Cluster, { name }: Snapshot): Promise<Outcome<undefined>> {
  const file = join(world.folder, `${intern}-token`);
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
  const right = ["cbt", "list", "-s", name];
  const [refusal] = await Promise.all([refused(world, args, "does not exist"), succeeded(world, right)]);
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
  const perMessage = Math.max(1, Math.min(8, Math.floor(expected.ranges.length / 6)));
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
  const wrong = (message: string): Failure => new Failure("terminal", "NotResumed", message);
  if (notices.length === 0) throw wrong("the list never broke off, so that nothing was shown");
  if (!same)
    throw wrong(`the list after the kill has ${offsets.length} ranges, not the same ${expected.ranges.length}`);
  return {
    value: undefined,
    note: `taken up where it broke, the same ${count(expected.bytes / blockBytes)} blocks`,
    lines: [shown(world, args), ...abridged(notices)],
    data: { resumes: notices.length },
  };
}

/** The first notice in full; the others differ only in their number. */
function abridged([first, ...others]: readonly string[]): string[] {
  const more = others.length === 1 ? "one more attempt" : `${others.length} more attempts`;
  return [...(first ? [first] : []), ...(others.length > 0 ? [`… ${more} until the driver was back`] : [])];
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
