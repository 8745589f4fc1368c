import { open, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { Failure, messageOf } from "../../runtime/errors/index.ts";
import { chunkBytes } from "./chunks.ts";
import { type Device, identityAt, identityOf, openDevice, readFully, refuseOverlap, writeFully } from "./device.ts";

/**
 * A target under work. Until `publish` has settled nobody can take it for a complete one: a file is written under
 * another name, a device lacks its beginning (where file systems, partition tables and databases have their header).
 */
export interface PendingTarget {
  readonly device: Device;
  /** Bytes at the start that `publish` writes, and nobody before. */
  readonly heldBytes: number;
  /** True when what was never written reads as zero. */
  readonly startsEmpty: boolean;
  /** Makes the work durable and the target complete; `head` is the device that has its beginning. */
  publish(head: Device): Promise<void>;
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
    await identityAt(path),
  );
  refuseOverlap(readFrom, path, await identityAt(partial));
  // What a killed rebuild left is worthless. A rebuild still at work keeps its file, and finds out when it publishes.
  await rm(partial, { force: true });
  const handle = await open(partial, "wx+", 0o600).catch((thrown: unknown) => {
    throw new Failure("terminal", "DeviceUnusable", `--target-device-path=${path}: ${messageOf(thrown)}`);
  });
  const own = identityOf(await handle.stat({ bigint: true }));
  let published = false;
  try {
    await handle.truncate(sizeBytes);
  } catch (thrown) {
    await handle.close();
    await rm(partial, { force: true });
    throw new Failure("terminal", "DeviceUnusable", `--target-device-path=${path}: ${messageOf(thrown)}`);
  }
  const stillOurs = async (): Promise<boolean> => (await identityAt(partial)) === own;
  return {
    device: { path, handle, sizeBytes, isBlockDevice: false, flag: "target-device-path", identity: own },
    heldBytes: 0,
    startsEmpty: true,
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

/** A device (or file) that is overwritten where it stands. Its beginning is wiped first and written last. */
export async function pendingInPlace(path: string, { sizeBytes, readFrom }: TargetBounds): Promise<PendingTarget> {
  const device = await openDevice(path, "write", "target-device-path");
  const heldBytes = Math.min(chunkBytes, sizeBytes);
  const wipe = async (): Promise<void> => {
    await writeFully(device.handle, Buffer.alloc(heldBytes), 0);
    await device.handle.sync();
  };
  try {
    refuseOverlap(readFrom, path, device.identity);
    if (device.sizeBytes < sizeBytes) {
      const message = `--target-device-path=${path} has ${device.sizeBytes} bytes, the volume has ${sizeBytes}`;
      throw new Failure("terminal", "DeviceTooSmall", message);
    }
    await wipe();
  } catch (thrown) {
    await device.handle.close();
    throw thrown;
  }
  let open = true;
  return {
    device,
    heldBytes,
    startsEmpty: false,
    publish: async (source) => {
      await device.handle.sync();
      const head = Buffer.allocUnsafe(heldBytes);
      await readFully(source, head, 0);
      try {
        await writeFully(device.handle, head, 0);
        await device.handle.sync();
      } catch (thrown) {
        await wipe();
        throw thrown;
      }
      open = false;
      await device.handle.close();
    },
    abandon: async () => {
      if (!open) return;
      open = false;
      await device.handle.close();
    },
  };
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, "r");
  await folder.sync().finally(() => folder.close());
}
