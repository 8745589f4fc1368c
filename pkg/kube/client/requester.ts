import type { Logger } from "pino";
import { Failure, messageOf } from "../../runtime/errors/index.ts";
import { type Clock, DeadlineError, deadlineSignal, delayAfter, type SignalScope } from "../../runtime/timing/index.ts";
import type { Credentials, KubeConfig } from "../config/index.ts";
import { ConnectionLost, type Incoming } from "../transport/exchange.ts";
import type { Transport } from "../transport/transport.ts";
import { withoutEchoes } from "./echoed-secrets.ts";
import type { ClientMeter } from "./metrics.ts";
import type { RateLimit } from "./rate-limit.ts";
import { readBody } from "./read-body.ts";
import { retryAfterMs } from "./refusal.ts";

export interface RequesterDeps {
  readonly config: KubeConfig;
  readonly transport: Transport;
  readonly userAgent: string;
  readonly meter: ClientMeter;
  readonly rateLimit: RateLimit | undefined;
  readonly clock: Clock;
  readonly log: Logger;
  readonly timeoutMs: number;
}

/** One call, tried until an answer is final. */
export interface Call {
  readonly method: string;
  /** Path with query. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly body?: Buffer | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly timeoutMs?: number | undefined;
  readonly maxBytes: number;
  /** Try again on 429, and on 5xx with Retry-After. */
  readonly retry: boolean;
}

interface Head {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** A part of the answer, without the secrets of the request: for errors. */
  readonly withoutEchoes: Clean;
}

type Clean = (text: string) => string;

export interface Answer extends Head {
  readonly body: Buffer;
}

/** An answer that goes on. */
export interface Opened extends Head {
  readonly stream: Incoming;
}

type Attempt = Omit<Call, "signal">;

const maxRetries = 6;
const retryDelays = { baseMs: 250, maxMs: 8000 };

/** Sends calls: credentials, retries, deadline, metrics. */
export class Requester {
  readonly #deps: RequesterDeps;

  constructor(deps: RequesterDeps) {
    this.#deps = deps;
  }

  /** The whole answer, whatever its status. */
  async call(call: Call): Promise<Answer> {
    const { clock, config, meter } = this.#deps;
    const timeoutMs = call.timeoutMs ?? this.#deps.timeoutMs;
    using scope = deadlineSignal(timeoutMs, call.signal, clock);
    const startedAt = clock.monotonic();
    try {
      const answer = await this.#attempts(call, scope.signal, startedAt + timeoutMs, async (incoming, clean) => ({
        status: incoming.status,
        headers: incoming.headers,
        withoutEchoes: clean,
        body: await readBody(incoming, {
          server: config.server,
          maxBytes: call.maxBytes,
          signal: scope.signal,
          what: `${call.method} ${pathOnly(call)}`,
        }),
      }));
      meter.sizes(call.method, call.body?.length ?? 0, answer.body.length);
      return answer;
    } catch (thrown) {
      throw thrown instanceof DeadlineError ? this.#late(call, timeoutMs, thrown) : thrown;
    } finally {
      meter.took(call.method, (clock.monotonic() - startedAt) / 1000);
    }
  }

  /**
   * The head of an endless answer, or a refusal with its body. `scope` covers the whole answer; `timeoutMs` bounds only
   * the wait for the head.
   */
  async stream(call: Attempt, scope: SignalScope): Promise<Answer | Opened> {
    const { clock, config, meter } = this.#deps;
    const timeoutMs = call.timeoutMs ?? this.#deps.timeoutMs;
    const startedAt = clock.monotonic();
    const { signal } = scope;
    using headDeadline = deadlineSignal(timeoutMs, undefined, clock);
    headDeadline.signal.addEventListener("abort", () => scope.abort(headDeadline.signal.reason), { once: true });
    try {
      const deadline = startedAt + timeoutMs;
      return await this.#attempts(call, signal, deadline, async (incoming, clean): Promise<Answer | Opened> => {
        const head = { status: incoming.status, headers: incoming.headers, withoutEchoes: clean };
        if (head.status >= 200 && head.status < 300) return { ...head, stream: incoming };
        const what = `${call.method} ${pathOnly(call)}`;
        const body = await readBody(incoming, { server: config.server, maxBytes: call.maxBytes, signal, what });
        return { ...head, body };
      });
    } catch (thrown) {
      throw thrown instanceof DeadlineError ? this.#late(call, timeoutMs, thrown) : thrown;
    } finally {
      meter.took("WATCH", (clock.monotonic() - startedAt) / 1000);
    }
  }

  #late(call: Attempt, timeoutMs: number, cause: unknown): Failure {
    const message = `API server ${this.#deps.config.server.origin}: no answer to ${call.method} ${pathOnly(call)} within ${timeoutMs} ms`;
    return new Failure("transient", "ApiServerTimeout", message, { cause });
  }

  async #attempts<T extends Head>(
    call: Attempt,
    signal: AbortSignal,
    deadline: number,
    take: (incoming: Incoming, clean: Clean) => Promise<T>,
  ): Promise<T> {
    const { clock, config, meter, log } = this.#deps;
    let renewed = false;
    for (let retries = 0; ; retries++) {
      const credentials = await config.credentials();
      let pause: number;
      let code: string;
      try {
        const answer = await this.#once(credentials, call, signal, take);
        code = String(answer.status);
        if (answer.status === 401 && !renewed) {
          renewed = true;
          if (await this.#changed(credentials)) continue;
        }
        const wait = call.retry ? pauseAfter(answer, retries) : undefined;
        if (wait === undefined || retries >= maxRetries || clock.monotonic() + wait > deadline) return answer;
        pause = wait;
      } catch (thrown) {
        if (signal.aborted || !(thrown instanceof ConnectionLost)) throw thrown;
        code = "<error>";
        // A certificate or CA may have rotated: what was refused a moment ago may be right now.
        if (!thrown.sent && !renewed) {
          renewed = true;
          if (await this.#changed(credentials)) continue;
        }
        if (retries >= 2 || !mayRepeat(call, thrown)) throw thrown;
        pause = retries === 0 ? 0 : delayAfter(retries, retryDelays);
      }
      meter.retried(code, call.method);
      log.debug({ op: call.method, path: pathOnly(call), code, durationMs: pause }, "request tried again");
      if (pause > 0) await clock.sleep(pause, signal);
    }
  }

  async #once<T extends Head>(
    credentials: Credentials,
    call: Attempt,
    signal: AbortSignal,
    take: (incoming: Incoming, clean: Clean) => Promise<T>,
  ): Promise<T> {
    const { transport, userAgent, meter, rateLimit } = this.#deps;
    if (rateLimit) meter.waited(call.method, (await rateLimit(signal)) / 1000);
    const headers = { accept: "application/json", "user-agent": userAgent, ...call.headers, ...credentials.headers };
    const { method, path, body } = call;
    let code = "<error>";
    try {
      const incoming = await transport.exchange(credentials, { method, path, headers, body, signal });
      code = String(incoming.status);
      return await take(incoming, (text) => withoutEchoes({ headers, body }, text));
    } finally {
      meter.requested(code, method);
    }
  }

  /** Reads credentials again; whether they differ from those the server did not like. */
  async #changed(used: Credentials): Promise<boolean> {
    this.#deps.config.forget();
    try {
      const now = await this.#deps.config.credentials();
      return now.fingerprint !== used.fingerprint || now.headers["authorization"] !== used.headers["authorization"];
    } catch (thrown) {
      this.#deps.log.warn({ reason: "CredentialsUnreadable", err: messageOf(thrown) }, "credentials not renewed");
      return false;
    }
  }
}

const pathOnly = ({ path }: Attempt): string => path.split("?", 1)[0] ?? path;

/** How long to wait before asking again; undefined when the answer is final. */
function pauseAfter(answer: Head, retries: number): number | undefined {
  const asked = retryAfterMs(answer.headers["retry-after"]);
  if (answer.status === 429) return asked ?? delayAfter(retries, retryDelays);
  return answer.status >= 500 && asked !== undefined ? asked : undefined;
}

/** Nothing is done twice: a request the server may have seen is repeated only when it changes nothing. */
function mayRepeat({ method }: Attempt, { sent, code }: ConnectionLost): boolean {
  if (sent) return method === "GET" || method === "HEAD";
  // Nobody listens, or the name is unknown: the caller's own backoff is longer than ours.
  return code !== "ECONNREFUSED" && code !== "ENOTFOUND" && code !== "EAI_AGAIN" && !code.startsWith("ERR_TLS");
}
