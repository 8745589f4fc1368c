import type { FileHandle } from "node:fs/promises";

/** Fills `buffer[0, length)` from `position`; what lies beyond the end of the file reads as zeros. */
export async function readFull(file: FileHandle, buffer: Buffer, length: number, position: number): Promise<void> {
  let filled = 0;
  while (filled < length) {
    const { bytesRead } = await file.read(buffer, filled, length - filled, position + filled);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  buffer.fill(0, filled, length);
}
