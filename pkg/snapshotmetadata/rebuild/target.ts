import { open, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { Failure, messageOf } from "../../runtime/errors/index.ts";
import { chunkBytes } from "./chunks.ts";
import {
  type Device,
  extentsAt,
  inodeAt,
  inodeOf,
  openDevice,
  readFully,
  refuseOverlap,
  writeFully,
} from "./device.ts";

/**
 * A target under work. Until `publish` has settled nobody can take it for a complete one: a file is written under
 * another name, a device lacks its beginning (where file systems, partition tables and databases have their header),
 * which is built in memory meanwhile. Positions are bytes.
 */
export interface PendingTarget {
  readonly path: string;
  /** True when what was never written reads as zero. */
  readonly startsEmpty: boolean;
  /** Bytes at the beginning that an earlier rebuild in place took away and, not finishing, never gave back. */
  readonly lostBytes: number;
  /** Bytes that went to the device; the beginning counts when it is published. */
  readonly bytesWritten: number;
  /** The state so far, the beginning included. */
  read(buffer: Uint8Array, position: number): Promise<void>;
  write(buffer: Uint8Array, position: number): Promise<void>;
  sync(): Promise<void>;
  /** Makes the work durable and the target complete. */
  publish(): Promise<void>;
  /** Takes the work back, as far as that can be. Safe after `publish`. */
  abandon(): Promise<void>;
}

/** Where a file is written until it is complete. */
function partialPath(path: string): string {
  return join(dirname(path), `.${basename(path)}.partial`);
}

/** What a target is made from: it must be none of these, under whatever name. */
export interface TargetBounds {
  readonly sizeBytes: number;
  readonly readFrom: readonly Device[];
  /** The base, where the file that is replaced may be it: what is read is its old inode. */
  readonly replaceable?: Device | undefined;
}

/** A new file of `sizeBytes`, sparse; replaces what stands at `path` only when published. */
export async function pendingFile(
  path: string,
  { sizeBytes, readFrom, replaceable }: TargetBounds,
): Promise<PendingTarget> {
  const partial = partialPath(path);
  refuseOverlap(
    readFrom.filter((each) => each !== replaceable),
    path,
    await extentsAt(path),
  );
  refuseOverlap(readFrom, path, await extentsAt(partial));
  // What a killed rebuild left is worthless. A rebuild still at work keeps its file, and finds out when it publishes.
  await rm(partial, { force: true });
  const handle = await open(partial, "wx+", 0o600).catch((thrown: unknown) => {
    throw new Failure("terminal", "DeviceUnusable", `--target-device-path=${path}: ${messageOf(thrown)}`);
  });
  const own = inodeOf(await handle.stat({ bigint: true }));
  let published = false;
  try {
    await handle.truncate(sizeBytes);
  } catch (thrown) {
    await handle.close();
    await rm(partial, { force: true });
    throw new Failure("terminal", "DeviceUnusable", `--target-device-path=${path}: ${messageOf(thrown)}`);
  }
  const stillOurs = async (): Promise<boolean> => (await inodeAt(partial)) === own;
  const device: Device = { path, handle, sizeBytes, isBlockDevice: false, flag: "target-device-path", extents: [] };
  let bytesWritten = 0;
  return {
    path,
    startsEmpty: true,
    lostBytes: 0,
    get bytesWritten() {
      return bytesWritten;
    },
    read: (buffer, position) => readFully(device, buffer, position),
    write: async (buffer, position) => {
      await writeFully(handle, buffer, position);
      bytesWritten += buffer.length;
    },
    sync: () => handle.sync(),
    publish: async () => {
      await handle.sync();
      if (!(await stillOurs())) {
        throw new Failure(
          "terminal",
          "TargetTaken",
          `another rebuild of ${path} began; its result will stand, not this one`,
        );
      }
      await rename(partial, path);
      published = true;
      await syncFolder(dirname(path));
      await handle.close();
    },
    abandon: async () => {
      if (published) return;
      const ours = await stillOurs();
      await handle.close();
      if (ours) await rm(partial, { force: true });
    },
  };
}

/** Stands in a device's first bytes while it is rebuilt, so that a delta is not put onto what is no longer there. */
const unfinishedMark = Buffer.from("an unfinished rebuild stands here: the volume's beginning is missing\n");

/** A device (or file) that is overwritten where it stands. Its beginning is wiped first and written last. */
export async function pendingInPlace(path: string, { sizeBytes, readFrom }: TargetBounds): Promise<PendingTarget> {
  const device = await openDevice(path, "write", "target-device-path");
  const { handle } = device;
  const head = Buffer.alloc(Math.min(chunkBytes, sizeBytes));
  const mark = unfinishedMark.subarray(0, head.length);
  const wipe = async (): Promise<void> => {
    await writeFully(handle, Buffer.concat([mark], head.length), 0);
    await handle.sync();
  };
  try {
    refuseOverlap(readFrom, path, device.extents);
    if (device.sizeBytes < sizeBytes) {
      const message = `--target-device-path=${path} has ${device.sizeBytes} bytes, the volume has ${sizeBytes}`;
      throw new Failure("terminal", "DeviceTooSmall", message);
    }
    await readFully(device, head, 0);
    await wipe();
  } catch (thrown) {
    await handle.close();
    throw thrown;
  }
  const lostBytes = head.subarray(0, mark.length).equals(mark) ? head.length : 0;
  let bytesWritten = 0;
  let open = true;
  return {
    path,
    startsEmpty: false,
    lostBytes,
    get bytesWritten() {
      return bytesWritten;
    },
    read: async (buffer, position) => {
      const held = head.copy(buffer, 0, Math.min(position, head.length));
      await readFully(device, buffer.subarray(held), position + held);
    },
    write: async (buffer, position) => {
      const held = Math.max(0, Math.min(buffer.length, head.length - position));
      head.set(buffer.subarray(0, held), Math.min(position, head.length));
      await writeFully(handle, buffer.subarray(held), position + held);
      bytesWritten += buffer.length - held;
    },
    sync: () => handle.sync(),
    publish: async () => {
      await handle.sync();
      try {
        await writeFully(handle, head, 0);
        await handle.sync();
      } catch (thrown) {
        await wipe();
        throw thrown;
      }
      bytesWritten += head.length;
      open = false;
      await handle.close();
    },
    abandon: async () => {
      if (!open) return;
      open = false;
      await handle.close();
    },
  };
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, "r");
  await folder.sync().finally(() => folder.close());
}
