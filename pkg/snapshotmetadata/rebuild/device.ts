import { constants } from "node:fs";
import { type FileHandle, open, readFile, stat } from "node:fs/promises";
import { Failure, messageOf } from "../../runtime/errors/index.ts";

/** A block device, or a file that stands for one. Positions are bytes. */
export interface Device {
  readonly path: string;
  readonly handle: FileHandle;
  readonly sizeBytes: number;
  readonly isBlockDevice: boolean;
}

/** Opens a device that exists. Throws a terminal Failure that names `flag` and the path. */
export async function openDevice(path: string, mode: "read" | "write", flag: string): Promise<Device> {
  const flags = mode === "read" ? constants.O_RDONLY : constants.O_RDWR;
  const handle = await open(path, flags).catch((thrown: unknown) => {
    throw new Failure("terminal", "DeviceUnusable", `--${flag}=${path}: ${messageOf(thrown)}`);
  });
  try {
    const found = await handle.stat();
    const isBlockDevice = found.isBlockDevice();
    if (isBlockDevice) return { path, handle, sizeBytes: await blockDeviceSize(found.rdev), isBlockDevice };
    if (found.isFile()) return { path, handle, sizeBytes: found.size, isBlockDevice };
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
