import { Failure } from "../../runtime/errors/index.ts";
import { ConnectionLost, type Incoming } from "../transport/exchange.ts";

export interface BodyRules {
  readonly server: URL;
  readonly maxBytes: number;
  readonly signal: AbortSignal;
  readonly what: string;
}

/** The whole body, at most `maxBytes` of it. */
export async function readBody(incoming: Incoming, { server, maxBytes, signal, what }: BodyRules): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of incoming.body as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size > maxBytes) throw tooLarge(what, maxBytes);
      chunks.push(chunk);
    }
  } catch (thrown) {
    if (signal.aborted) throw signal.reason;
    if (thrown instanceof Failure) throw thrown;
    // Node calls a stream cut off whose close comes before the iterator looked, though all of it was read.
    const whole = incoming.body.readableEnded && incoming.cut() === undefined;
    if (!whole) throw new ConnectionLost(server, true, incoming.cut() ?? thrown);
  }
  if (signal.aborted) throw signal.reason;
  const cut = incoming.cut();
  if (cut !== undefined) throw new ConnectionLost(server, true, cut);
  return Buffer.concat(chunks, size);
}

function tooLarge(what: string, maxBytes: number): Failure {
  return new Failure("terminal", "ResponseTooLarge", `${what}: the answer is larger than ${maxBytes} bytes`);
}
