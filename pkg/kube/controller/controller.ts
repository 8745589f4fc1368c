import type { Logger } from "pino";
import type { Registry } from "prom-client";
import type { KubeObject } from "../../apis/schema/index.ts";
import { type Failure, toFailure } from "../../runtime/errors/index.ts";
import type { Runnable } from "../../runtime/lifecycle/index.ts";
import { type Clock, linkedSignal, systemClock } from "../../runtime/timing/index.ts";
import type { Change, Informer } from "../informer/index.ts";
import { createQueue, type Queue } from "../queue/index.ts";
import { type Handling, handle } from "./handling.ts";
import { type ControllerMeter, controllerMeter } from "./metrics.ts";

/** What a reconciler says when nothing went wrong: through, or look again after a while. */
export type Outcome = { readonly type: "done" } | { readonly type: "requeue"; readonly afterMs: number };

/** Nothing more to do until something changes. */
export const done: Outcome = { type: "done" };
/** Look again after `afterMs`; separate from error backoff. */
export const requeueAfter = (afterMs: number): Outcome => ({ type: "requeue", afterMs });

export interface ReconcileContext {
  readonly signal: AbortSignal;
  readonly log: Logger;
  /** Failures of this key in a row before this call. */
  readonly failures: number;
}

/** Brings one key to what it should be. Throws a Failure; anything else thrown counts as transient. */
export type Reconciler = (key: string, context: ReconcileContext) => Promise<Outcome>;

/** A cache whose changes lead to keys. */
export interface Source {
  run(signal: AbortSignal): Promise<void>;
  settled(signal?: AbortSignal): Promise<unknown>;
  /** Calls `add` for each key to look at; returns how to stop. */
  subscribe(add: (key: string) => void): () => void;
  /** All keys, for the periodic look at everything. */
  keys(): readonly string[];
}

export interface ControllerOptions {
  /** Name of the queue and label `controller` of the metrics. */
  readonly name: string;
  readonly sources: readonly Source[];
  readonly reconcile: Reconciler;
  /** Keys handled at the same time. Default 10. */
  readonly workers?: number | undefined;
  /** Backoff of a failing key. Default 1000 and 300 000. */
  readonly minDelayMs?: number | undefined;
  readonly maxDelayMs?: number | undefined;
  /** Looks at every key this often; 0 for never. Default 0. */
  readonly resyncMs?: number | undefined;
  /** Milliseconds that running reconciles get to finish after the signal. Default 15 000. */
  readonly drainMs?: number | undefined;
  /** Told of each failure, with how often the key failed in a row, to publish conditions and events. */
  readonly onFailure?: ((key: string, failure: Failure, failures: number) => Promise<void> | void) | undefined;
  readonly log: Logger;
  readonly metrics?: Registry | undefined;
  readonly clock?: Clock | undefined;
}

/** Keys of a cache's changes; by default the changed object's own. */
export function fromInformer<T extends KubeObject>(
  informer: Informer<T>,
  keys: (change: Change<T>) => readonly string[] = ({ key }) => [key],
): Source {
  return {
    run: (signal) => informer.run(signal),
    settled: (signal) => informer.settled(signal),
    subscribe: (add) => informer.onChange((change) => keys(change).forEach(add)),
    keys: () =>
      informer.keys().flatMap((key) => {
        const object = informer.getKey(key);
        return object === undefined ? [] : [...keys({ type: "update", key, object, previous: object })];
      }),
  };
}

/** The one loop: caches → keys → workers → outcome. Settles when all workers have stopped. */
export function createController(options: ControllerOptions): Runnable {
  return { run: (signal) => new Loop(options).run(signal) };
}

class Loop {
  readonly #options: ControllerOptions;
  readonly #clock: Clock;
  readonly #queue: Queue;
  readonly #meter: ControllerMeter;

  constructor(options: ControllerOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#queue = createQueue(options);
    this.#meter = controllerMeter(options.metrics, options.name);
  }

  async run(signal: AbortSignal): Promise<void> {
    const { sources, workers = 10, drainMs = 15_000 } = this.#options;
    // Reconciles outlive the signal by the drain time; then they are told to stop.
    using work = linkedSignal();
    const running = sources.map((source) => source.run(signal));
    const stops: (() => void)[] = [];
    try {
      await Promise.all(sources.map((source) => source.settled(signal)));
      for (const source of sources) stops.push(source.subscribe((key) => this.#queue.add(key)));
      const pool = Array.from({ length: workers }, () => this.#work(work.signal));
      const resync = this.#resync(signal);
      await new Promise<void>((resolve) => {
        if (signal.aborted) resolve();
        else signal.addEventListener("abort", () => resolve(), { once: true });
      });
      this.#queue.shutDown();
      const drained = new AbortController();
      const late = this.#clock.sleep(drainMs, drained.signal).then(
        () => work.abort(signal.reason),
        () => undefined,
      );
      await Promise.all(pool);
      drained.abort();
      await Promise.all([late, resync]);
    } catch (thrown) {
      if (!signal.aborted) throw thrown;
    } finally {
      for (const stop of stops) stop();
      this.#queue.shutDown();
      await Promise.all(running);
    }
  }

  async #resync(signal: AbortSignal): Promise<void> {
    const { resyncMs = 0, sources } = this.#options;
    if (resyncMs <= 0) return;
    while (!signal.aborted) {
      await this.#clock.sleep(resyncMs, signal).catch(() => undefined);
      if (!signal.aborted) for (const source of sources) for (const key of source.keys()) this.#queue.add(key);
    }
  }

  async #work(signal: AbortSignal): Promise<void> {
    for (;;) {
      const key = await this.#queue.take();
      if (key === undefined) return;
      try {
        await this.#one(key, signal);
      } finally {
        this.#queue.done(key);
      }
    }
  }

  async #one(key: string, signal: AbortSignal): Promise<void> {
    const { reconcile, log } = this.#options;
    const startedAt = this.#clock.monotonic();
    const keyLog = log.child(namesOf(key));
    const failures = this.#queue.failures(key);
    let handling: Handling;
    try {
      const outcome = await reconcile(key, { signal, log: keyLog, failures });
      handling = outcome.type === "done" ? { requeue: "none" } : { requeue: "after", afterMs: outcome.afterMs };
      this.#meter.reconciled(outcome.type, this.#clock.monotonic() - startedAt);
    } catch (thrown) {
      const failure = toFailure(thrown);
      handling = handle(failure);
      const durationMs = Math.round(this.#clock.monotonic() - startedAt);
      this.#meter.reconciled(handling.quiet ? "conflict" : failure.kind, durationMs);
      const { reason, message } = failure;
      keyLog[handling.level ?? "warn"](
        { reason, err: message, failures: failures + 1, durationMs },
        "reconcile failed",
      );
      if (!handling.quiet) await this.#tell(key, failure, failures + 1);
    }
    this.#requeue(key, handling);
  }

  /** Publishing a failure may fail too; the key is tried again anyway. */
  async #tell(key: string, failure: Failure, failures: number): Promise<void> {
    const { onFailure, log } = this.#options;
    try {
      await onFailure?.(key, failure, failures);
    } catch (thrown) {
      const { reason, message } = toFailure(thrown);
      log.warn({ ...namesOf(key), reason, err: message }, "failure could not be published");
      this.#queue.retry(key);
    }
  }

  #requeue(key: string, handling: Handling): void {
    if (handling.requeue === "backoff") this.#queue.retry(key);
    else this.#queue.forget(key);
    if (handling.requeue === "after") this.#queue.addAfter(key, handling.afterMs);
  }
}

function namesOf(key: string): { namespace?: string; name: string } {
  const slash = key.indexOf("/");
  return slash < 0 ? { name: key } : { namespace: key.slice(0, slash), name: key.slice(slash + 1) };
}
