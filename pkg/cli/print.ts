import type { Writable } from "node:stream";
import { drained } from "../runtime/stream/index.ts";

/** Writes text and waits while the reader is slow. Throws when the reader has gone or the signal aborts. */
export async function print(out: Writable, text: string, signal: AbortSignal): Promise<void> {
  if (!out.write(text)) await drained(out, signal);
}
