import type { Component } from "../../runtime/lifecycle/index.ts";
import { choice, defineOptions, integer, type OptionsOf, text } from "../../runtime/options/index.ts";
import { aborted } from "../../runtime/timing/index.ts";
import { type DevDriver, type DevDriverOptions, startDevDriver } from "./driver.ts";
import { driverFailpoints } from "./store/failpoints.ts";

const driverOptions = defineOptions({
  endpoint: text("endpoint", "unix:///run/csi/socket", "Socket to serve on; a stale one is removed first"),
  stateDir: text("statedir", "", "Folder for records and data; made when missing, required"),
  driverName: text("drivername", "dev.csi-data-protection.io", "Name that GetPluginInfo answers with"),
  blockSize: integer("block-size", 4096, "Bytes of one block, a power of two; capacities are rounded up to it"),
  blockType: choice(
    "snapshot-metadata-block-type",
    "FIXED_LENGTH",
    ["FIXED_LENGTH", "VARIABLE_LENGTH"],
    "Whether metadata comes block by block, or with neighbouring blocks joined",
  ),
  maxVolumeSize: text("max-volume-size", String(1n << 44n), "Largest volume, in bytes"),
  requireSecret: text("require-secret", "", "name=value that every call with secrets must bring; none when empty", {
    secret: true,
  }),
}).check((options, problem) => {
  if (options.stateDir === "") problem("statedir", "is required: the folder that holds the driver's state");
  if (!/^[a-zA-Z0-9]([-.a-zA-Z0-9]{0,61}[a-zA-Z0-9])?$/.test(options.driverName)) {
    problem("drivername", "expected up to 63 letters, digits, dashes and dots, as CSI asks of a driver's name");
  }
  if (!/^[1-9]\d{0,15}$/.test(options.maxVolumeSize)) problem("max-volume-size", "expected a number of bytes");
  if (options.requireSecret !== "" && !/^[^=]+=/.test(options.requireSecret)) {
    problem("require-secret", "expected name=value");
  }
});

/** Flags of dev-driver. */
export type DriverFlags = OptionsOf<typeof driverOptions>;

/** Where the line that says "serving" goes: one JSON object, for whoever started the program. */
export interface Announcement {
  write(line: string): unknown;
}

/** The reference driver as a component of a program. */
export function devDriver(announcement: Announcement): Component<DriverFlags> {
  return {
    name: "dev-driver",
    summary: "Reference CSI driver over sparse files in a folder, for development and tests",
    options: driverOptions,
    rbac: [],
    failpoints: driverFailpoints,
    async build(flags, env) {
      const { log, clock, failpoints } = env;
      const driver = await startDevDriver({
        ...settingsOf(flags),
        ...{ log, clock },
        ...(failpoints === undefined ? {} : { failpoints }),
      });
      return { run: (signal) => serve(driver, announcement, signal) };
    },
  };
}

async function serve(driver: DevDriver, announcement: Announcement, signal: AbortSignal): Promise<void> {
  const { endpoint, driverName, stateDir } = driver;
  announcement.write(`${JSON.stringify({ ready: true, endpoint, driverName, stateDir })}\n`);
  await aborted(signal);
  await driver.close();
}

function settingsOf(flags: DriverFlags): DevDriverOptions {
  const { endpoint, stateDir, driverName, blockSize, blockType, requireSecret } = flags;
  const settings = {
    endpoint,
    stateDir,
    driverName,
    blockSize,
    blockType,
    maxVolumeBytes: BigInt(flags.maxVolumeSize),
  };
  if (requireSecret === "") return settings;
  const at = requireSecret.indexOf("=");
  return { ...settings, requireSecret: { name: requireSecret.slice(0, at), value: requireSecret.slice(at + 1) } };
}
