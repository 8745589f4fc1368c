import type { Readable } from "node:stream";
import { Failure, messageOf } from "../../runtime/errors/index.ts";

/** One request as it goes out. */
export interface Outgoing {
  readonly method: string;
  /** Path with query. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string | readonly string[]>>;
  readonly body?: Buffer | undefined;
  readonly signal: AbortSignal;
}

/** The answer's head; the body is read by the caller, or destroyed. */
export interface Incoming {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Readable;
  /** After the body has ended: why it is not whole, if so. */
  cut(): unknown;
}

/** Connections to one server with one set of TLS material. */
export interface Pool {
  /** Rejects with {@link ConnectionLost} when no answer can come. */
  exchange(request: Outgoing): Promise<Incoming>;
  /** Takes no new requests; `now` cuts those under way, else they end by themselves. */
  close(now: boolean): void;
  readonly protocol: "h2" | "http/1.1";
}

/** The connection could not be opened, or broke. `sent`: the server may have seen the request. */
export class ConnectionLost extends Failure {
  readonly sent: boolean;
  /** Node's code, such as ECONNREFUSED or CERT_HAS_EXPIRED. */
  readonly code: string;

  constructor(server: URL, sent: boolean, cause: unknown) {
    const why = causeOf(cause);
    super("transient", "ApiServerUnreachable", `API server ${server.origin}: ${why}`, { cause });
    this.sent = sent;
    this.code = (cause as { code?: string } | undefined)?.code ?? "";
  }
}

function causeOf(cause: unknown): string {
  if (cause === undefined) return "connection closed before the answer";
  // Trying several addresses gives an error without text.
  if (cause instanceof AggregateError) return cause.errors.map(messageOf).join("; ");
  return messageOf(cause);
}
