import { type BigIntStats, constants } from "node:fs";
import { type FileHandle, open, readFile, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { Failure, messageOf } from "../../runtime/errors/index.ts";
import { type Extent, extentsIn, extentsOf, numbersOf, overlap } from "./extents.ts";

/** A block device, or a file that stands for one. Positions are bytes. */
export interface Device {
  readonly path: string;
  readonly handle: FileHandle;
  readonly sizeBytes: number;
  readonly isBlockDevice: boolean;
  /** The flag that named it. */
  readonly flag: string;
  /** Where its bytes lie, whatever its path. */
  readonly extents: readonly Extent[];
}

/** Opens a device that exists. Throws a terminal Failure that names `flag` and the path. */
export async function openDevice(path: string, mode: "read" | "write", flag: string): Promise<Device> {
  const flags = mode === "read" ? constants.O_RDONLY : constants.O_RDWR;
  const handle = await open(path, flags).catch((thrown: unknown) => {
    throw new Failure("terminal", "DeviceUnusable", `--${flag}=${path}: ${messageOf(thrown)}`);
  });
  try {
    const found = await handle.stat({ bigint: true });
    const isBlockDevice = found.isBlockDevice();
    const common = { path, handle, isBlockDevice, flag, extents: await extentsOf(found) };
    if (isBlockDevice) return { ...common, sizeBytes: await blockDeviceSize(numbersOf(found.rdev)) };
    if (found.isFile()) return { ...common, sizeBytes: Number(found.size) };
    throw new Failure("terminal", "DeviceUnusable", `--${flag}=${path}: neither a block device nor a file`);
  } catch (thrown) {
    await handle.close();
    throw thrown;
  }
}

/** True when the path is a block device; false when it is something else or nothing. */
export async function isBlockDevice(path: string): Promise<boolean> {
  const found = await stat(path).catch(() => undefined);
  return found?.isBlockDevice() ?? false;
}

/** The inode at a path; undefined when nothing is there. */
export async function inodeAt(path: string): Promise<string | undefined> {
  const found = await stat(path, { bigint: true }).catch(() => undefined);
  return found && inodeOf(found);
}

/** Equal for two files exactly when they are one. */
export function inodeOf({ dev, ino }: BigIntStats): string {
  return `${dev}:${ino}`;
}

/** Where the bytes at a path lie, or where they would lie were it made now. */
export async function extentsAt(path: string): Promise<readonly Extent[]> {
  const found = await stat(path, { bigint: true }).catch(() => undefined);
  return found ? await extentsOf(found) : await extentsIn(dirname(path));
}

/** Throws a Failure when writing to these extents may change one of `readFrom`. */
export function refuseOverlap(readFrom: readonly Device[], path: string, extents: readonly Extent[]): void {
  const clash = readFrom.find((each) => overlap(each.extents, extents));
  if (!clash) return;
  throw new Failure(
    "terminal",
    "SourceIsTarget",
    `--${clash.flag}=${clash.path} and --target-device-path=${path} are the same device or file, or one lies on the ` +
      "other: it would be overwritten while it is read; nothing was written",
  );
}

/** stat says 0 for a block device; Linux tells its size in sectors of 512 bytes, whatever the device's own are. */
async function blockDeviceSize(numbers: string): Promise<number> {
  const text = await readFile(`/sys/dev/block/${numbers}/size`, "utf8").catch((thrown: unknown) => {
    throw new Failure("terminal", "DeviceUnusable", `size of block device ${numbers}: ${messageOf(thrown)}`);
  });
  return Number(text) * 512;
}

/** Fills `buffer` from `position`. Throws a Failure when the device ends before. */
export async function readFully(device: Device, buffer: Uint8Array, position: number): Promise<void> {
  let done = 0;
  while (done < buffer.length) {
    const { bytesRead } = await device.handle.read(buffer, done, buffer.length - done, position + done);
    if (bytesRead === 0) {
      throw new Failure(
        "terminal",
        "DeviceTooSmall",
        `${device.path} ends at byte ${position + done}, more was expected`,
      );
    }
    done += bytesRead;
  }
}

/** Writes all of `buffer` at `position`. */
export async function writeFully(handle: FileHandle, buffer: Uint8Array, position: number): Promise<void> {
  let done = 0;
  while (done < buffer.length) {
    const { bytesWritten } = await handle.write(buffer, done, buffer.length - done, position + done);
    done += bytesWritten;
  }
}
