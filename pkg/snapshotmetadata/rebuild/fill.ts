import { chunkBytes, cut } from "./chunks.ts";
import type { PendingTarget } from "./target.ts";

/** Makes [from, to) zero. What is zero already is not written, so that a thin device stays thin. */
export async function zero(target: PendingTarget, from: number, to: number, signal?: AbortSignal): Promise<void> {
  for (const { position, length } of cut(from, to)) {
    signal?.throwIfAborted();
    const [bytes, none] = [Buffer.allocUnsafe(length), zeros.subarray(0, length)];
    await target.read(bytes, position);
    if (!bytes.equals(none)) await target.write(none, position);
  }
}

/** As many zeros as are ever compared at once. */
export const zeros = Buffer.alloc(chunkBytes);

/** Writes base bytes: no zeros where the target is empty anyway, so that it stays sparse. */
export async function put(target: PendingTarget, bytes: Buffer, position: number): Promise<void> {
  const grain = target.startsEmpty ? sparseGrainBytes : chunkBytes;
  for (let at = 0; at < bytes.length; at += grain) {
    const piece = bytes.subarray(at, Math.min(at + grain, bytes.length));
    if (target.startsEmpty && piece.equals(zeros.subarray(0, piece.length))) continue;
    await target.write(piece, position + at);
  }
}

/** Holes smaller than this are not worth a call. */
const sparseGrainBytes = 128 * 1024;
