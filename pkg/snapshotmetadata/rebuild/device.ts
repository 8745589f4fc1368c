import { type BigIntStats, constants } from "node:fs";
import { type FileHandle, open, readFile, stat } from "node:fs/promises";
import { Failure, messageOf } from "../../runtime/errors/index.ts";

/** A block device, or a file that stands for one. Positions are bytes. */
export interface Device {
  readonly path: string;
  readonly handle: FileHandle;
  readonly sizeBytes: number;
  readonly isBlockDevice: boolean;
  /** The flag that named it. */
  readonly flag: string;
  /** Equal for two devices exactly when they are one, whatever their paths. */
  readonly identity: string;
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
    const common = { path, handle, isBlockDevice, flag, identity: identityOf(found) };
    if (isBlockDevice) return { ...common, sizeBytes: await blockDeviceSize(Number(found.rdev)) };
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

/** What `identity` a path has; undefined when nothing is there. */
export async function identityAt(path: string): Promise<string | undefined> {
  const found = await stat(path, { bigint: true }).catch(() => undefined);
  return found && identityOf(found);
}

/** A node in any folder is the same block device when it has its number; a file is its inode. */
export function identityOf(found: BigIntStats): string {
  return found.isBlockDevice() ? `device ${found.rdev}` : `file ${found.dev}:${found.ino}`;
}

/** Throws a Failure when one of `readFrom` is what would be written. */
export function refuseOverlap(readFrom: readonly Device[], path: string, identity: string | undefined): void {
  const clash = readFrom.find((each) => each.identity === identity);
  if (!clash) return;
  throw new Failure(
    "terminal",
    "SourceIsTarget",
    `--${clash.flag}=${clash.path} and --target-device-path=${path} are the same device or file: it would be ` +
      "overwritten while it is read; nothing was written",
  );
}

/** stat says 0 for a block device; Linux tells its size in sectors of 512 bytes, whatever the device's own are. */
async function blockDeviceSize(rdev: number): Promise<number> {
  const major = Math.floor(rdev / 256) & 0xfff;
  const minor = (rdev & 0xff) | (Math.floor(rdev / 2 ** 12) & 0xfff00);
  const text = await readFile(`/sys/dev/block/${major}:${minor}/size`, "utf8").catch((thrown: unknown) => {
    throw new Failure("terminal", "DeviceUnusable", `size of block device ${major}:${minor}: ${messageOf(thrown)}`);
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
