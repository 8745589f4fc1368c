import { Failure, toFailure } from "../../runtime/errors/index.ts";
import {
  abortable,
  aborted,
  type Clock,
  linkedSignal,
  type SignalScope,
  systemClock,
} from "../../runtime/timing/index.ts";
import { createQueue, type Queue } from "../queue/index.ts";
import { type Handling, handle, levelOf } from "./handling.ts";
import { type ControllerMeter, controllerMeter } from "./metrics.ts";
import type { ControllerOptions } from "./options.ts";
import type { Outcome } from "./reconciler.ts";
import type { Source } from "./source.ts";
import { Streaks } from "./streaks.ts";

/** One run of a controller. */
export class Loop {
  readonly #options: ControllerOptions;
  readonly #clock: Clock;
  readonly #queue: Queue;
  readonly #meter: ControllerMeter;
  readonly #streaks = new Streaks();

  constructor(options: ControllerOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#queue = createQueue(options);
    this.#meter = controllerMeter(options.metrics, options.name);
  }

  async run(signal: AbortSignal): Promise<void> {
    const { sources } = this.#options;
    using stop = linkedSignal(signal);
    // Caches stay current until the last reconcile has ended.
    using feeding = linkedSignal();
    const running = sources.map((source) => runSource(source, feeding.signal, stop));
    try {
      if (await this.#settled(stop.signal)) await this.#work(stop.signal);
    } finally {
      feeding.abort(stop.signal.reason);
      await Promise.all(running);
    }
    if (!signal.aborted) throw stop.signal.reason;
  }

  /** Waits for the first lists: a half-filled cache would look like deletions. False when stopped meanwhile. */
  async #settled(stop: AbortSignal): Promise<boolean> {
    try {
      await abortable(Promise.all(this.#options.sources.map((source) => source.settled(stop))), stop);
      return !stop.aborted;
    } catch (thrown) {
      if (stop.aborted) return false;
      throw thrown;
    }
  }

  async #work(stop: AbortSignal): Promise<void> {
    const { sources, workers = 10, log, name } = this.#options;
    using work = linkedSignal();
    const unsubscribe = sources.map((source) => source.subscribe((key) => this.#queue.add(key)));
    const pool = Array.from({ length: workers }, () => this.#worker(stop, work.signal));
    const resync = this.#resync(stop);
    log.debug({ controller: name, workers }, "controller started");
    await aborted(stop);
    for (const end of unsubscribe) end();
    this.#queue.shutDown();
    await this.#drain(pool, work, stop.reason);
    await resync;
    log.debug({ controller: name }, "controller stopped");
  }

  async #drain(pool: readonly Promise<void>[], work: SignalScope, reason: unknown): Promise<void> {
    const { drainMs = 15_000 } = this.#options;
    const timer = new AbortController();
    // Somebody else leads, or will in a moment: whatever we still did would be done twice.
    if (reason instanceof Failure && reason.reason === "LeadershipLost") work.abort(reason);
    const late = this.#clock.sleep(drainMs, timer.signal).then(
      () => work.abort(reason),
      () => undefined,
    );
    await Promise.all(pool);
    timer.abort();
    await late;
  }

  async #resync(stop: AbortSignal): Promise<void> {
    const { resyncMs = 0, sources } = this.#options;
    while (resyncMs > 0 && !stop.aborted) {
      await this.#clock.sleep(resyncMs, stop).catch(() => undefined);
      for (const key of sources.flatMap((source) => source.keys())) this.#queue.add(key);
    }
  }

  async #worker(stop: AbortSignal, signal: AbortSignal): Promise<void> {
    for (;;) {
      const key = await this.#queue.take();
      if (key === undefined) return;
      // Keys that were ready when the stop came are left to the next start.
      if (!stop.aborted) await this.#one(key, signal);
      this.#queue.done(key);
    }
  }

  async #one(key: string, signal: AbortSignal): Promise<void> {
    const { reconcile, log, name } = this.#options;
    const startedAt = this.#clock.monotonic();
    const tookMs = (): number => this.#clock.monotonic() - startedAt;
    const keyLog = log.child({ controller: name, ...namesOf(key) });
    const failures = this.#streaks.count(key);
    try {
      const outcome = await reconcile(key, { signal, log: keyLog, failures });
      this.#meter.reconciled(outcome.type, tookMs());
      this.#succeeded(key, outcome);
    } catch (thrown) {
      if (signal.aborted) {
        this.#meter.reconciled("aborted", tookMs());
        keyLog.debug({ err: thrown }, "reconcile was cut off");
        return;
      }
      const failure = toFailure(thrown);
      const handling = handle(failure);
      const durationMs = tookMs();
      this.#meter.reconciled(handling.quiet ? "conflict" : failure.kind, durationMs);
      const known = handling.quiet || this.#streaks.add(key, failure.reason);
      const fields = { reason: failure.reason, failures: this.#streaks.count(key), durationMs: Math.round(durationMs) };
      keyLog[levelOf(handling, known)]({ ...fields, err: thrown }, "reconcile failed");
      const told = handling.quiet || (await this.#tell(key, failure));
      this.#failed(key, told ? handling : { ...handling, requeue: "backoff" });
    }
  }

  #succeeded(key: string, outcome: Outcome): void {
    this.#streaks.end(key);
    this.#queue.forget(key);
    if (outcome.type === "requeue") this.#queue.addAfter(key, outcome.afterMs);
  }

  #failed(key: string, handling: Handling): void {
    if (handling.requeue === "backoff") this.#queue.retry(key);
    else this.#queue.forget(key);
    if (handling.requeue === "after") this.#queue.addAfter(key, handling.afterMs);
  }

  /** False when the failure could not be published. */
  async #tell(key: string, failure: Failure): Promise<boolean> {
    const { onFailure, log, name } = this.#options;
    try {
      await onFailure?.(key, failure, this.#streaks.count(key));
      return true;
    } catch (thrown) {
      const { reason } = toFailure(thrown);
      log.warn({ controller: name, ...namesOf(key), reason, err: thrown }, "failure could not be published");
      return false;
    }
  }
}

/** A source that fails stops the controller; never rejects. */
async function runSource(source: Source, signal: AbortSignal, stop: SignalScope): Promise<void> {
  try {
    await source.run(signal);
  } catch (thrown) {
    if (!signal.aborted) stop.abort(thrown);
  }
}

function namesOf(key: string): { namespace?: string; name: string } {
  const slash = key.indexOf("/");
  return slash < 0 ? { name: key } : { namespace: key.slice(0, slash), name: key.slice(slash + 1) };
}
