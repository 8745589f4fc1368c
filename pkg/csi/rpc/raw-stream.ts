import { type Client, type ClientReadableStream, Metadata } from "@grpc/grpc-js";
import type { StreamOptions } from "../connection/driver-connection.ts";

/** Messages pass as the bytes they are. */
const asIs = (bytes: Buffer): Buffer => bytes;

/** Opens a server-streaming method whose request and messages stay encoded. Aborting the signal cancels it. */
export function openRawStream(
  client: Client,
  path: string,
  request: Buffer,
  { deadline, signal, metadata, waitForReady = false }: StreamOptions = {},
): ClientReadableStream<Buffer> {
  const sent = metadata ?? new Metadata();
  if (waitForReady) sent.setOptions({ ...sent.getOptions(), waitForReady });
  const limits = deadline === undefined ? {} : { deadline };
  const stream = client.makeServerStreamRequest(path, asIs, asIs, request, sent, limits);
  if (signal !== undefined) cancelWith(stream, signal);
  return stream;
}

function cancelWith(stream: ClientReadableStream<Buffer>, signal: AbortSignal): void {
  const cancel = (): void => stream.cancel();
  if (signal.aborted) {
    // The status arrives as an event: cancelled now, nobody could listen yet.
    queueMicrotask(cancel);
    return;
  }
  signal.addEventListener("abort", cancel, { once: true });
  stream.once("status", () => signal.removeEventListener("abort", cancel));
}
