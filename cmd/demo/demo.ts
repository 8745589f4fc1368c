import { mkdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { bytes, count, percent, seconds } from "../../pkg/cli/screen/units.ts";
import { Failure } from "../../pkg/runtime/errors/index.ts";
import { grantAccess } from "./steps/access.ts";
import { createVolume, type Snapshot, takeSnapshot, type Volume } from "./steps/administrator.ts";
import { type Listing, listBlocks, type Rebuilt, rebuildImage } from "./steps/backup.ts";
import { applyCrds, openCluster } from "./steps/cluster.ts";
import { compare } from "./steps/compare.ts";
import { change, examine, fill, formatDevice, openDatabase, type Sums, sumsOf } from "./steps/database.ts";
import { type Driver, startDriver } from "./steps/driver.ts";
import { killedDriver, missingRight, unknownSnapshot, wrongToken } from "./steps/failures.ts";
import { startSidecar } from "./steps/sidecar.ts";
import { blockBytes, type Cluster, names, volumeBytes, type World } from "./world.ts";

/** What the closing table shows. */
export interface Finding {
  readonly table: readonly (readonly string[])[];
  /** Below the table. */
  readonly notes: readonly string[];
  readonly data: Readonly<Record<string, unknown>>;
}

/** The states that are compared in the end. */
interface History {
  readonly monday: Snapshot;
  readonly tuesday: Snapshot;
  /** Sums when tuesday's snapshot was cut, and before. */
  readonly sums: { readonly monday: Sums; readonly tuesday: Sums };
}

/** What the demo plays on: an API server, a driver and the sidecar, each a process of its own. */
interface Stage {
  readonly cluster: Cluster;
  readonly driver: Driver;
}

async function setStage(world: World): Promise<Stage> {
  const { narrator } = world;
  narrator.heading("The cluster");
  const cluster = await narrator.step("Kubernetes API", () => openCluster(world));
  await narrator.step("Kinds", () => applyCrds(cluster, world));
  const access = await narrator.step("ServiceAccounts", () => grantAccess(cluster, world));
  const driver = await narrator.step("CSI driver", () => startDriver(world));
  await narrator.step("Metadata sidecar", () => startSidecar(world, cluster, access, driver));
  return { cluster, driver };
}

/** The stage without the play, for development. */
export async function serve(world: World): Promise<Finding> {
  await setStage(world);
  return { table: [], notes: ["", "API server, driver and sidecar are up; Ctrl-C ends them."], data: {} };
}

/** The whole demonstration. Throws where anything is not as it must be. */
export async function demonstrate(world: World): Promise<Finding> {
  const { narrator } = world;
  const { cluster, driver } = await setStage(world);
  const history = await makeHistory(world, cluster, driver);

  narrator.heading("What is where: asked over TLS with a ServiceAccount token");
  const { monday, tuesday } = history;
  const allocated = await narrator.step("Allocated blocks of monday", () => listBlocks(world, driver, monday));
  if (world.options.dropTuple) {
    await driver.fault({ GetMetadataDelta: { corrupt: "drop-tuple", atTuple: 7 } });
    narrator.aside("--drop-tuple: from here on the driver keeps one changed block to itself");
  }
  const changed = await narrator.step("Changed since monday", () =>
    listBlocks(world, driver, tuesday, monday, allocated.ranges),
  );
  const images = join(world.folder, "images");
  await mkdir(images);
  const first = join(images, "monday.img");
  const second = join(images, "tuesday.img");
  const backups = await backUp(world, driver, history, first, second);

  if (!world.options.dropTuple) {
    narrator.heading("What must fail, fails; and recovers");
    await narrator.step("A token for somebody else", () => wrongToken(world, cluster, monday));
    await narrator.step("A missing right", () => missingRight(world, cluster, monday));
    await narrator.step("An unknown snapshot", () => unknownSnapshot(world, monday));
    await narrator.step("The driver killed mid-stream", () => killedDriver(world, driver, tuesday, monday, changed));
  }
  return finding(allocated, changed, backups);
}

/** A day in the life of a database: written, cut, changed, cut again. */
async function makeHistory(world: World, cluster: Cluster, driver: Driver): Promise<History> {
  const { narrator, options, signal } = world;
  narrator.heading("A database on a volume");
  narrator.aside("Until the snapshot programs exist, this demo is the administrator: it calls the driver");
  narrator.aside("and writes VolumeSnapshot and VolumeSnapshotContent objects as a settled cluster has them.");
  const volume = await narrator.step("Volume", async () => {
    const value = await createVolume(world, driver, "database");
    return { value, note: `${bytes(volumeBytes)}, sparse, raw block` };
  });
  formatDevice(volume.devicePath, world.folder);
  using database = openDatabase(volume.devicePath);
  const before = await narrator.step("SQLite, directly on the device", async () => {
    await fill(database, options.rows, signal);
    const value = sumsOf(database);
    await stillWhole(volume);
    const note = `${count(value.rows)} rows, page_size=${blockBytes}, journal_mode=MEMORY, synchronous=FULL`;
    return { value, note, data: { ...value } };
  });
  const monday = await narrator.step("Snapshot monday", () =>
    takeSnapshot(world, cluster, driver, volume, names.monday),
  );
  const after = await narrator.step("A day's business", async () => {
    const rows = change(database, options.rows);
    const value = sumsOf(database);
    await stillWhole(volume);
    const note = `${count(rows)} rows changed (${percent(rows, options.rows)}), one transaction`;
    return { value, note, data: { changedRows: rows, ...value } };
  });
  const tuesday = await narrator.step("Snapshot tuesday", () =>
    takeSnapshot(world, cluster, driver, volume, names.tuesday),
  );
  return { monday, tuesday, sums: { monday: before, tuesday: after } };
}

/** SQLite must leave the device its size: a file that shrank or grew would be no device. */
async function stillWhole({ devicePath }: Volume): Promise<void> {
  const { size } = await stat(devicePath);
  if (size === volumeBytes) return;
  throw new Failure("terminal", "DeviceResized", `the device has ${size} bytes instead of ${volumeBytes}`);
}

interface Backups {
  readonly first: Rebuilt;
  readonly second: Rebuilt;
  readonly digest: string;
}

/** Both backups, each by a process that reads only the device it is given and the sidecar; then the proof. */
async function backUp(
  world: World,
  driver: Driver,
  { monday, tuesday, sums }: History,
  first: string,
  second: string,
): Promise<Backups> {
  const { narrator, signal } = world;
  narrator.heading("Two backups, each by a process that may read one restored device, and ask the sidecar");
  const restored = await narrator.step("Devices restored from snapshots", async () => {
    const value = {
      monday: await createVolume(world, driver, "restored-monday", monday),
      tuesday: await createVolume(world, driver, "restored-tuesday", tuesday),
    };
    return { value, note: "one of monday, one of tuesday" };
  });
  const full = await narrator.step("First state, from allocated blocks", () =>
    rebuildImage(world, driver, { snapshot: monday, source: restored.monday, target: first }),
  );
  const delta = await narrator.step("Second state, from changed blocks", () =>
    rebuildImage(world, driver, {
      snapshot: tuesday,
      source: restored.tuesday,
      target: second,
      since: { snapshot: monday, image: first },
    }),
  );
  narrator.heading("The proof");
  await narrator.step("First state, byte for byte", () => sameBytes(first, restored.monday, signal));
  const digest = await narrator.step("Second state, byte for byte", () => sameBytes(second, restored.tuesday, signal));
  await narrator.step("The rebuilt database", async () => {
    const found = examine(second);
    const wanted = sums.tuesday;
    if (found.rows !== wanted.rows || found.balance !== wanted.balance || found.changes !== wanted.changes) {
      throw new Failure(
        "terminal",
        "SumsDiffer",
        `the rebuilt database adds up to ${JSON.stringify(found)}, not ${JSON.stringify(wanted)}`,
      );
    }
    if (found.changes === sums.monday.changes)
      throw new Failure("terminal", "NothingChanged", "nothing was changed between the snapshots");
    const note = `integrity_check ok, ${count(found.rows)} rows, balances add up to ${count(found.balance)}`;
    return { value: undefined, note, data: { ...found } };
  });
  return { first: full, second: delta, digest };
}

async function sameBytes(image: string, { devicePath }: Volume, signal: AbortSignal) {
  const verdict = await compare(image, devicePath, signal);
  if (!verdict.equal) {
    const blocks =
      verdict.differingBlocks === 1 ? "1 block differs" : `${count(verdict.differingBlocks)} blocks differ`;
    throw new Failure(
      "terminal",
      "ImagesDiffer",
      `the rebuilt image is not the snapshot: ${blocks}, the first at byte ${verdict.firstDifference}\n` +
        "A block that the metadata did not name was not copied. A backup like this must never be taken for a good one.",
    );
  }
  const note = `${bytes(verdict.bytes)} equal, SHA-256 ${verdict.digest.slice(0, 12)}…`;
  return { value: verdict.digest, note, data: { digest: verdict.digest, bytes: verdict.bytes } };
}

function finding(allocated: Listing, changed: Listing, { first, second, digest }: Backups): Finding {
  const row = (
    name: string,
    listing: Listing,
    { sourceBytesRead, wireBytes, applyMs, driverBytesRead }: Rebuilt,
  ): string[] => [
    name,
    count(listing.bytes / blockBytes),
    bytes(sourceBytesRead),
    percent(sourceBytesRead, volumeBytes),
    bytes(wireBytes),
    driverBytesRead === undefined ? "not told" : bytes(driverBytesRead),
    seconds(applyMs),
    `${bytes((sourceBytesRead / Math.max(1, applyMs)) * 1000)}/s`,
  ];
  const head = [
    "",
    "blocks",
    "read by the backup",
    `of ${bytes(volumeBytes)}`,
    "metadata",
    "read by the driver*",
    "time",
    "throughput",
  ];
  return {
    table: [head, row("monday, allocated", allocated, first), row("tuesday, changed", changed, second)],
    notes: [
      "* The driver compares its own disks to find what changed; as counted by the kernel for its process.",
      `The second state was rebuilt from the first and ${count(changed.bytes / blockBytes)} blocks: ` +
        `${percent(second.sourceBytesRead, volumeBytes)} of the volume was read, instead of all of it.`,
    ],
    data: { digest, first, second },
  };
}
