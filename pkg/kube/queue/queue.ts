import type { Registry } from "prom-client";
import { type Clock, delayAfter, systemClock } from "../../runtime/timing/index.ts";
import { DelayedKeys } from "./delayed-keys.ts";
import { type QueueMeter, queueMeter } from "./metrics.ts";

export interface QueueOptions {
  /** Label `name` of the workqueue_* metrics. */
  readonly name: string;
  /** First delay of a key that failed, doubled with each failure. Default 1000. */
  readonly minDelayMs?: number | undefined;
  /** Default 300 000. */
  readonly maxDelayMs?: number | undefined;
  readonly metrics?: Registry | undefined;
  readonly clock?: Clock | undefined;
  /** From 0 to below 1; draws the jitter, which shortens a delay by up to a fifth. */
  readonly random?: (() => number) | undefined;
}

/** Keys waiting for a worker: each at most once, none handled by two workers at the same time. */
export interface Queue {
  add(key: string): void;
  /** Adds later; of several delays of one key the earliest counts. */
  addAfter(key: string, delayMs: number): void;
  /** Adds after this key's own backoff. */
  retry(key: string): void;
  /** Ends this key's backoff. */
  forget(key: string): void;
  /** Failures of this key since it was last forgotten. */
  failures(key: string): number;
  /** The next key; undefined once shut down and empty. */
  take(): Promise<string | undefined>;
  /** The worker is through with this key; it comes again if it was added meanwhile. */
  done(key: string): void;
  /** Keys that are ready for a worker now. */
  readonly depth: number;
  /** Takes nothing more; delayed keys are dropped, ready ones are still handed out. */
  shutDown(): void;
}

/** A work queue as in client-go, with its metric names. */
export function createQueue(options: QueueOptions): Queue {
  return new WorkQueue(options);
}

class WorkQueue implements Queue {
  /** Ready keys in their order, with the time since when they wait. */
  readonly #ready = new Map<string, number>();
  /** Keys that workers have, with the time since when. */
  readonly #working = new Map<string, number>();
  /** Keys that were added while a worker had them. */
  readonly #again = new Map<string, number>();
  readonly #failures = new Map<string, number>();
  readonly #delayed: DelayedKeys;
  readonly #backoff: { readonly baseMs: number; readonly maxMs: number; readonly random: () => number };
  readonly #clock: Clock;
  readonly #meter: QueueMeter;
  #takers: ((key: string | undefined) => void)[] = [];
  #down = false;

  constructor({ name, minDelayMs, maxDelayMs, metrics, clock = systemClock, random = Math.random }: QueueOptions) {
    this.#clock = clock;
    this.#backoff = { baseMs: minDelayMs ?? 1000, maxMs: maxDelayMs ?? 300_000, random };
    this.#delayed = new DelayedKeys(clock, (key) => this.add(key));
    this.#meter = queueMeter(metrics, name, {
      waiting: () => this.#ready.size + this.#again.size,
      running: () => [...this.#working.values()].map((since) => this.#secondsSince(since)),
    });
  }

  get depth(): number {
    return this.#ready.size;
  }

  add(key: string): void {
    if (this.#down || this.#ready.has(key) || this.#again.has(key)) return;
    this.#meter.added();
    const now = this.#clock.monotonic();
    if (this.#working.has(key)) this.#again.set(key, now);
    else this.#makeReady(key, now);
  }

  addAfter(key: string, delayMs: number): void {
    if (this.#down) return;
    this.#meter.retried();
    if (delayMs > 0) this.#delayed.add(key, delayMs);
    else this.add(key);
  }

  retry(key: string): void {
    const failures = this.failures(key);
    this.#failures.set(key, failures + 1);
    this.addAfter(key, delayAfter(failures, this.#backoff));
  }

  forget(key: string): void {
    this.#failures.delete(key);
  }

  failures(key: string): number {
    return this.#failures.get(key) ?? 0;
  }

  async take(): Promise<string | undefined> {
    const [next] = this.#ready;
    if (next !== undefined) {
      const [key, since] = next;
      this.#ready.delete(key);
      return this.#handOut(key, since);
    }
    if (this.#down) return undefined;
    return await new Promise((resolve) => this.#takers.push(resolve));
  }

  done(key: string): void {
    const since = this.#working.get(key);
    if (since === undefined) return;
    this.#working.delete(key);
    this.#meter.done(this.#secondsSince(since));
    const added = this.#again.get(key);
    if (added === undefined) return;
    this.#again.delete(key);
    this.#makeReady(key, added);
  }

  shutDown(): void {
    this.#down = true;
    this.#delayed.clear();
    for (const taker of this.#takers.splice(0)) taker(undefined);
  }

  #makeReady(key: string, since: number): void {
    const taker = this.#takers.shift();
    if (taker === undefined) this.#ready.set(key, since);
    else taker(this.#handOut(key, since));
  }

  #handOut(key: string, since: number): string {
    this.#working.set(key, this.#clock.monotonic());
    this.#meter.taken(this.#secondsSince(since));
    return key;
  }

  #secondsSince(since: number): number {
    return (this.#clock.monotonic() - since) / 1000;
  }
}
