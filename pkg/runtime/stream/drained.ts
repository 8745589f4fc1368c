import type { EventEmitter } from "node:events";

/** The parts of a Node stream or gRPC call that {@link drained} needs. */
export type Drainable = Pick<EventEmitter, "once" | "removeListener"> & { readonly destroyed?: boolean };

/** The other end has gone while we waited for room. */
export class StreamGoneError extends Error {
  override readonly name = "StreamGoneError";

  constructor() {
    super("the stream was closed while waiting to write");
  }
}

/**
 * Settles when the stream takes more, after `write` returned false. Rejects when it is closed, cancelled or fails, or
 * when the signal aborts. Leaves no listener behind.
 */
export function drained(stream: Drainable, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    if (stream.destroyed === true) return reject(new StreamGoneError());
    const gone = (): void => settle(() => reject(new StreamGoneError()));
    const failed = (error: unknown): void => settle(() => reject(error));
    const ready = (): void => settle(resolve);
    const abort = (): void => settle(() => reject(signal?.reason));
    const events = { drain: ready, close: gone, cancelled: gone, error: failed };
    const settle = (how: () => void): void => {
      for (const [event, listener] of Object.entries(events)) stream.removeListener(event, listener);
      signal?.removeEventListener("abort", abort);
      how();
    };
    for (const [event, listener] of Object.entries(events)) stream.once(event, listener);
    signal?.addEventListener("abort", abort, { once: true });
  });
}
