import { constants, type Http2Stream } from "node:http2";
import type { ClientReadableStream, ServerWritableStream, StatusObject } from "@grpc/grpc-js";

/** The server's side of a call, carrying encoded messages. */
export type RawCall = ServerWritableStream<Buffer, Buffer>;

/** The driver's side of a call, carrying encoded messages. */
export type RawDriverStream = ClientReadableStream<Buffer>;

/** Encoded messages that may wait for a slow caller before the driver is paused, in bytes. */
const windowBytes = 1 << 20;

/**
 * Passes the driver's encoded messages on to the caller, one by one, in order, and settles with the driver's status.
 *
 * The driver is paused while more than a window of bytes waits to be written, so a slow caller slows the driver instead
 * of filling memory. Settles only after the status has arrived, the last message has been read **and** every write was
 * taken by the transport: a failing stream still delivers all that came before its failure. Aborting cancels the
 * driver's call and rejects with the signal's reason.
 */
export function forward(
  call: RawCall,
  driver: RawDriverStream,
  signal: AbortSignal,
  onMessage: (sizeBytes: number) => void,
): Promise<StatusObject> {
  const send = senderOf(call);
  return new Promise((resolve, reject) => {
    let ending: StatusObject | undefined;
    let ended = false;
    let waitingBytes = 0;
    let waitingMessages = 0;
    const settle = (): void => {
      if (ending === undefined || !ended || waitingMessages > 0) return;
      signal.removeEventListener("abort", abort);
      resolve(ending);
    };
    const abort = (): void => {
      driver.removeAllListeners("data");
      driver.cancel();
      reject(signal.reason);
    };
    const written = (sizeBytes: number): void => {
      waitingMessages -= 1;
      waitingBytes -= sizeBytes;
      if (driver.isPaused() && waitingBytes <= windowBytes / 2) driver.resume();
      settle();
    };
    driver.on("data", (message: Buffer) => {
      const { byteLength } = message;
      waitingMessages += 1;
      waitingBytes += byteLength;
      send(message, () => written(byteLength));
      onMessage(byteLength);
      if (waitingBytes > windowBytes) driver.pause();
    });
    driver.on("end", () => {
      ended = true;
      settle();
    });
    // Says what the status event says, but before the last messages were read: not yet the end.
    driver.on("error", () => {});
    driver.on("status", (received: StatusObject) => {
      ending = received;
      settle();
    });
    if (signal.aborted) abort();
    else signal.addEventListener("abort", abort, { once: true });
  });
}

/** What stands behind grpc-js' public face of a server stream: two private fields, reached here and nowhere else. */
interface Inner {
  sendMessage?(message: Buffer, taken: () => void): void;
  readonly stream?: Http2Stream;
}

const innerOf = (call: RawCall): Inner => (call as unknown as { readonly call?: Inner }).call ?? {};

/**
 * Hands messages straight to the transport. The stream's own `write` lets it have one at a time and waits for it to be
 * taken, which costs rate where messages are small (docs/adr/0001).
 */
function senderOf(call: RawCall): (message: Buffer, taken: () => void) => void {
  const inner = innerOf(call);
  if (inner.sendMessage === undefined) return (message, taken) => void call.write(message, taken);
  return (message, taken) => inner.sendMessage?.(message, taken);
}

/**
 * Resets the caller's stream unless it closes by itself in time. The last means against a caller that stopped reading:
 * the closing status waits behind the data the caller does not take, for ever, and a reset does not. The caller sees a
 * broken stream, never a complete one.
 */
export function resetUnlessClosed(call: RawCall, graceMs: number): void {
  const { stream } = innerOf(call);
  if (stream === undefined || stream.closed) return;
  const closing = setTimeout(() => stream.close(constants.NGHTTP2_CANCEL), graceMs);
  stream.once("close", () => clearTimeout(closing));
}
