import { constants, type ServerHttp2Stream } from "node:http2";
import { Metadata, type ServerWritableStream, status } from "@grpc/grpc-js";
import type { ByteStream, CallEnd } from "../../../csi/index.ts";
import { Refusal } from "../refusals.ts";
import { bufferPool } from "./buffer-pool.ts";
import { frameReader } from "./frames.ts";
import { splitMessage } from "./split.ts";

/** The server's side of a call, carrying encoded messages. */
export type RawCall = ServerWritableStream<Buffer, Buffer>;

/** Bytes that may wait for a slow caller before the driver is paused. */
const waitingBytes = 64 * 1024;

/** The most that clients take by default. */
const maxSentBytes = 4 * 1024 * 1024;

/** The most that is taken from a driver; it must be in memory as a whole. */
const maxReceivedBytes = 64 * 1024 * 1024;

const pool = bufferPool(4 * 1024 * 1024);

/** Looks at an encoded message before it is passed on; throws a Refusal to end the stream before it. */
export type MessageCheck = (bytes: Buffer, start: number, end: number) => void;

/**
 * Passes the driver's messages on to the caller in order, as the bytes they are, and settles with the driver's status.
 * A message above 4 MiB is split. Rejects with a Refusal where the driver sends what can not be passed on.
 *
 * The driver is paused while more bytes wait to be written than a window, so a slow caller slows the driver instead of
 * filling memory. Settles only after the status has arrived, the last message has been read **and** every write was taken
 * by the transport: a failing stream still delivers all that came before its failure. Aborting cancels the driver's call
 * and rejects with the signal's reason.
 */
export function forward(call: RawCall, driver: ByteStream, signal: AbortSignal, check: MessageCheck): Promise<CallEnd> {
  const stream = requireHttp2(call);
  const { promise, resolve, reject } = Promise.withResolvers<CallEnd>();
  let ending: (() => void) | undefined;
  let waiting = 0;
  let paused = false;
  let flushing: NodeJS.Immediate | undefined;

  const settle = (): void => {
    if (ending === undefined || waiting > 0) return;
    signal.removeEventListener("abort", abort);
    ending();
  };
  const abort = (): void => {
    if (ending === undefined) stop(false);
    ending = () => {};
    driver.cancel();
    reject(signal.reason);
  };
  const write = (buffer: Buffer, end: number): void => {
    waiting += end;
    // Once only; trailers and status stay grpc-js'.
    if (!stream.headersSent && !call.cancelled) call.sendMetadata(new Metadata());
    stream.write(buffer.subarray(0, end), (error) => {
      // After a failure the transport may still read what it was given.
      if (error == null) pool.giveBack(buffer);
      waiting -= end;
      if (paused && waiting <= waitingBytes / 2) {
        paused = false;
        driver.resume();
      }
      settle();
    });
  };
  const frames = frameReader(pool, {
    onPrefix: requireUsable,
    onMessage: (buffer, start, end) => {
      check(buffer, start, end);
      return end - start > maxSentBytes ? split(buffer, start, end) : undefined;
    },
    onRun: write,
  });
  const flush = (): void => {
    flushing = undefined;
    frames.flush();
  };
  const stop = (wanted: boolean): void => {
    clearImmediate(flushing);
    frames.finish(wanted);
  };
  /** Delivers what came before, then ends as told. */
  const endWith = (end: () => void): void => {
    stop(true);
    ending = end;
    settle();
  };
  driver.onBytes((piece) => {
    if (ending !== undefined) return;
    try {
      frames.take(piece);
    } catch (refusal) {
      driver.cancel();
      return endWith(() => reject(refusal));
    }
    // All that one turn of the event loop brings goes out in as few writes as it fills buffers.
    flushing ??= setImmediate(flush);
    if (!paused && waiting > waitingBytes) {
      paused = true;
      driver.pause();
    }
  });
  void driver.ended.then((end) => {
    if (ending !== undefined) return;
    const complete = end.code !== status.OK || frames.rest === 0;
    endWith(() => (complete ? resolve(end) : reject(cutOff())));
  });
  if (signal.aborted) abort();
  else signal.addEventListener("abort", abort, { once: true });
  return promise;
}

function requireUsable(compressed: boolean, sizeBytes: number): void {
  if (compressed) throw new Refusal("messageUnusable", "the driver sent a compressed message; expected none");
  if (sizeBytes <= maxReceivedBytes) return;
  const details = `the driver sent a message of ${sizeBytes} bytes; the most is ${maxReceivedBytes}`;
  throw new Refusal("messageTooLarge", details);
}

function split(buffer: Buffer, start: number, end: number): Buffer[] {
  const parts = splitMessage(buffer, start, end, maxSentBytes);
  if (parts !== undefined) return parts;
  const details = `the driver sent a message of ${end - start} bytes that can not be split into messages of ${maxSentBytes}`;
  throw new Refusal("messageUnusable", details);
}

const cutOff = (): Refusal =>
  new Refusal("messageUnusable", "the driver ended the stream as complete within a message; it is not complete");

/** What stands behind grpc-js' public face of a server stream: private fields, reached here and in admission/arrivals.ts. */
interface Inner {
  /** Set where an interceptor stands before the call. */
  readonly nextCall?: Inner;
  readonly stream?: ServerHttp2Stream;
}

function http2Of(call: RawCall): ServerHttp2Stream | undefined {
  let inner = (call as unknown as { readonly call?: Inner }).call;
  while (inner?.nextCall !== undefined) inner = inner.nextCall;
  return inner?.stream;
}

/**
 * The stream under the call, for framed messages: the call's own `write` takes one message at a time, copies it, and waits
 * for it to be taken (docs/adr/0004).
 */
function requireHttp2(call: RawCall): ServerHttp2Stream {
  const stream = http2Of(call);
  if (stream === undefined) throw new Error("this grpc-js has no HTTP/2 stream where the forwarder expects it");
  return stream;
}

/**
 * Resets the caller's stream unless it closes by itself in time. The last means against a caller that stopped reading:
 * the closing status waits behind the data the caller does not take, for ever, and a reset does not. The caller sees a
 * broken stream, never a complete one.
 */
export function resetUnlessClosed(call: RawCall, graceMs: number): void {
  const stream = http2Of(call);
  if (stream === undefined || stream.closed) return;
  const closing = setTimeout(() => stream.close(constants.NGHTTP2_CANCEL), graceMs);
  stream.once("close", () => clearTimeout(closing));
}

/**
 * Calls back once the caller's stream has closed: until then it holds what the caller has not read, whatever status the
 * call has ended with.
 */
export function onceClosed(call: RawCall, then: () => void): void {
  const stream = http2Of(call);
  if (stream === undefined || stream.destroyed) then();
  else stream.once("close", then);
}
