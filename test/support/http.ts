import type { IncomingMessage } from "node:http";
import { Agent, type RequestOptions, request } from "node:https";
import { text } from "node:stream/consumers";

/** Where a server is and what it is trusted by. */
export interface Endpoint {
  /** Without a slash at the end. */
  readonly url: string;
  readonly ca: string;
}

/** One request as it goes over the wire. */
export interface Message {
  readonly method: string;
  /** Path and query. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** One answer as it came over the wire. */
export interface Reply {
  readonly status: number;
  readonly headers: IncomingMessage["headers"];
  readonly text: string;
}

/** A small HTTPS client that knows nothing of Kubernetes, so that it can not hide what a server really says. */
export class Http {
  readonly #endpoint: Endpoint;
  readonly #agent: Agent;

  constructor(endpoint: Endpoint) {
    this.#endpoint = endpoint;
    this.#agent = new Agent({ keepAlive: true, ca: endpoint.ca, maxSockets: 64 });
  }

  /** Sends and reads the whole answer; rejects only when there is none within twenty seconds. */
  async send(message: Message): Promise<Reply> {
    const response = await this.open({ signal: AbortSignal.timeout(20_000), ...message });
    return { status: response.statusCode ?? 0, headers: response.headers, text: await text(response) };
  }

  /** Sends and returns the answer unread, for watches. */
  async open(message: Message): Promise<IncomingMessage> {
    const { body, signal } = message;
    // Without a length node sends the body of a DELETE unframed, and the server reads it as the next request.
    const length = body === undefined ? {} : { "content-length": String(Buffer.byteLength(body)) };
    const headers = { ...message.headers, ...length };
    const options: RequestOptions = { method: message.method, headers, agent: this.#agent };
    return await new Promise((resolve, reject) => {
      const sent = request(this.#endpoint.url + message.path, signal ? { ...options, signal } : options, resolve);
      // Not once: a server that refuses a large body may answer and then reset.
      sent.on("error", (thrown: NodeJS.ErrnoException) => {
        // The server closed a kept connection just when it was taken up again: nothing was read from it.
        if (sent.reusedSocket && thrown.code === "ECONNRESET") resolve(this.open(message));
        else reject(thrown);
      });
      sent.end(body);
    });
  }

  close(): void {
    this.#agent.destroy();
  }
}
