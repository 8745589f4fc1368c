import type { IncomingMessage } from "node:http";
import { createInterface } from "node:readline";
import type { Http, Message } from "../../support/http.ts";
import type { Doc } from "./doc.ts";

/** One line of a watch. */
export interface WatchLine {
  readonly type: string;
  readonly object: Doc;
}

const usualPatienceMs = 6_000;

/** Reads one watch stream. Waiting never fails a story: what did not come is missing from the transcript. */
export class Watcher {
  readonly status: number;
  readonly events: WatchLine[] = [];
  ended = false;
  readonly #abort: AbortController;
  #changed = Promise.withResolvers<void>();

  readonly #patienceMs: number;

  private constructor(response: IncomingMessage, abort: AbortController, patienceMs: number) {
    this.#abort = abort;
    this.#patienceMs = patienceMs;
    this.status = response.statusCode ?? 0;
    response.on("error", () => undefined);
    const lines = createInterface({ input: response });
    lines.on("error", () => undefined);
    lines.on("line", (line) => {
      if (abort.signal.aborted) return;
      this.events.push(JSON.parse(line) as WatchLine);
      this.#wake();
    });
    lines.on("close", () => {
      if (!abort.signal.aborted) this.ended = true;
      this.#wake();
    });
  }

  /** Opens the stream; `patienceMs` bounds each wait. */
  static async open(http: Http, message: Message, patienceMs = usualPatienceMs): Promise<Watcher> {
    const abort = new AbortController();
    return new Watcher(await http.open({ ...message, signal: abort.signal }), abort, patienceMs);
  }

  /** Waits for so many events; bookmarks do not count. */
  async seen(count: number): Promise<void> {
    await this.until((events) => events.filter(({ type }) => type !== "BOOKMARK").length >= count);
  }

  /** Waits until the server ends the stream. */
  async end(): Promise<void> {
    await this.until(() => this.ended);
  }

  /** Waits until the events are as wanted, the stream ends, or patience does. */
  async until(enough: (events: readonly WatchLine[]) => boolean): Promise<void> {
    const patience = AbortSignal.timeout(this.#patienceMs);
    const over = new Promise<void>((resolve) => patience.addEventListener("abort", () => resolve()));
    while (!this.ended && !patience.aborted && !enough(this.events)) {
      await Promise.race([this.#changed.promise, over]);
    }
  }

  close(): void {
    this.#abort.abort();
  }

  #wake(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers<void>();
  }
}
