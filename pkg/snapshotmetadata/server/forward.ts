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
      call.write(message, () => written(byteLength));
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

/**
 * Resets the caller's stream. The last means against a caller that stopped reading: the closing status waits behind the
 * data the caller does not take, for ever, and a reset does not. The caller sees a broken stream, never a complete one.
 */
export function resetCall(call: RawCall): void {
  http2StreamOf(call)?.close(constants.NGHTTP2_CANCEL);
}

/** grpc-js has no call to reset a stream from the server; the http2 stream stands two private fields below. */
function http2StreamOf(call: RawCall): Http2Stream | undefined {
  const inner = (call as unknown as { call?: { stream?: Http2Stream } }).call;
  return inner?.stream;
}
