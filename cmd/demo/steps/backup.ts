import { dirname } from "node:path";
import { bytes, count, percent } from "../../../pkg/cli/screen/units.ts";
import { Failure } from "../../../pkg/runtime/errors/index.ts";
import type { ToolRun } from "../processes/tool.ts";
import { blockMap, mapLegend, type Range } from "../screen/block-map.ts";
import type { Outcome } from "../screen/narrator.ts";
import { blockBytes, type ToolMore, volumeBytes, type World } from "../world.ts";
import type { Snapshot, Volume } from "./administrator.ts";
import type { Driver } from "./driver.ts";

/** What the list of one snapshot said, and what it cost. */
export interface Listing {
  readonly ranges: readonly Range[];
  readonly bytes: number;
  readonly driverBytesRead: number | undefined;
}

/** The parts of the report of `cbt rebuild -o json` that the demo shows. */
export interface Rebuilt {
  readonly ranges: number;
  readonly rangeBytes: number;
  readonly messages: number;
  readonly wireBytes: number;
  readonly resumes: number;
  readonly sourceBytesRead: number;
  readonly applyMs: number;
  readonly driverBytesRead: number | undefined;
}

/** Lists what a snapshot holds, or what changed since an earlier one, and draws it. */
export async function listBlocks(
  world: World,
  driver: Driver,
  snapshot: Snapshot,
  since?: Snapshot,
  known: readonly Range[] = [],
): Promise<Outcome<Listing>> {
  const args = ["cbt", "list", "-s", snapshot.name, ...(since ? ["-p", since.name] : []), "-o", "json"];
  const { value: run, driverBytesRead } = await watched(driver, () => succeeded(world, args));
  const ranges = rangesOf(run.stdout);
  const total = ranges.reduce((sum, { size }) => sum + size, 0);
  const map = since
    ? blockMap(volumeBytes, known, ranges, world.style)
    : blockMap(volumeBytes, ranges, [], world.style);
  const what = since ? "changed" : "allocated";
  return {
    value: { ranges, bytes: total, driverBytesRead },
    note: `${count(total / blockBytes)} blocks ${what}, ${bytes(total)} of ${bytes(volumeBytes)}`,
    lines: [shown(world, args), "", ...map, mapLegend(volumeBytes, since !== undefined, world.style), ""],
    data: { blocks: total / blockBytes, bytes: total, driverBytesRead },
  };
}

export interface RebuildPlan {
  readonly snapshot: Snapshot;
  /** Device restored from the snapshot. */
  readonly source: Volume;
  readonly target: string;
  /** The earlier snapshot and its image; without it, allocated ranges make the image. */
  readonly since?: { readonly snapshot: Snapshot; readonly image: string };
}

/** Rebuilds a snapshot in a process of its own, which is given devices, an image and a name, and nothing else. */
export async function rebuildImage(
  world: World,
  driver: Driver,
  { snapshot, source, target, since }: RebuildPlan,
): Promise<Outcome<Rebuilt>> {
  const delta = since ? ["-p", since.snapshot.name, `--base-image=${since.image}`] : [];
  // The demo compares by itself in a later step; what the tool reads is then only what it needs.
  const args = [
    "cbt",
    "rebuild",
    "-s",
    snapshot.name,
    ...delta,
    "-src",
    source.devicePath,
    "-tgt",
    target,
    "--verify=none",
    "-o",
    "json",
  ];
  const folder = dirname(target);
  const confined = { read: [source.devicePath, source.filePath, folder], write: [folder] };
  const { value: run, driverBytesRead } = await watched(driver, () => succeeded(world, args, { confined }));
  const value = { ...(JSON.parse(run.stdout) as Omit<Rebuilt, "driverBytesRead">), driverBytesRead };
  const { sourceBytesRead, wireBytes, messages } = value;
  return {
    value,
    note: `read ${bytes(sourceBytesRead)} of the device (${percent(sourceBytesRead, volumeBytes)}), ${bytes(wireBytes)} of metadata`,
    lines: [shown(world, args), ...resumed(run)],
    data: { sourceBytesRead, wireBytes, messages, driverBytesRead },
  };
}

/** Runs the tool; anything but success is a failure with the tool's own words. */
export async function succeeded(world: World, args: readonly string[], more?: ToolMore): Promise<ToolRun> {
  const run = await world.tool(args, more);
  if (run.code === 0) return run;
  const how = run.signal ? `was ended by ${run.signal}` : `ended with code ${run.code}`;
  throw new Failure(
    "terminal",
    "ToolFailed",
    `kubectl-protect ${args.slice(0, 2).join(" ")} ${how}\n${run.stderr.trim()}`.trim(),
  );
}

/** A command line as a person would type it, without the folder of this run. */
export function shown({ style, folder }: World, args: readonly string[]): string {
  return style.cyan(`$ kubectl protect ${args.join(" ").replaceAll(`${folder}/`, "")}`);
}

/** What the tool said about streams that it took up again. */
export function resumed({ stderr }: ToolRun): string[] {
  return stderr.split("\n").filter((line) => line.startsWith("the stream broke"));
}

/** The ranges of the JSON list. */
function rangesOf(json: string): Range[] {
  const records = JSON.parse(json) as readonly {
    readonly block_metadata?: readonly { byte_offset?: number; size_bytes: number }[];
  }[];
  return records.flatMap(({ block_metadata = [] }) =>
    block_metadata.map(({ byte_offset: offset = 0, size_bytes: size }) => ({ offset, size })),
  );
}

/** Measures what the driver read meanwhile; nothing where it was started anew, or the kernel does not tell. */
async function watched<T>(
  driver: Driver,
  work: () => Promise<T>,
): Promise<{ value: T; driverBytesRead: number | undefined }> {
  const { pid } = driver.service;
  const before = await driver.bytesRead();
  const value = await work();
  const after = await driver.bytesRead();
  const known = before !== undefined && after !== undefined && pid === driver.service.pid;
  return { value, driverBytesRead: known ? after - before : undefined };
}
