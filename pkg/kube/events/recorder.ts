import type { Logger } from "pino";
import type { Registry } from "prom-client";
import type { KubeObject } from "../../apis/schema/index.ts";
import { type Clock, deadlineSignal, systemClock } from "../../runtime/timing/index.ts";
import type { KubeClient } from "../client/index.ts";
import { Correlator, type Told } from "./correlator.ts";
import { referenceTo } from "./event-object.ts";
import { type EventMeter, eventMeter } from "./metrics.ts";
import { EventWriter } from "./writer.ts";

export type EventType = "Normal" | "Warning";

export interface RecorderOptions {
  readonly client: Pick<KubeClient, "create" | "patch">;
  /** `source.component`, such as `csi-snapshotter hostpath.csi.k8s.io`. */
  readonly component: string;
  readonly host?: string | undefined;
  readonly log: Logger;
  readonly metrics?: Registry | undefined;
  readonly clock?: Clock | undefined;
}

/** Tells people what happens to their objects. Never blocks and never fails. */
export interface EventRecorder {
  /** `object` must carry apiVersion, kind and name, as everything the client returns does. */
  event(object: KubeObject, type: EventType, reason: string, message: string): void;
  /** Waits until everything recorded so far is written or given up, at most `timeoutMs`. Default 5000. */
  flush(timeoutMs?: number): Promise<void>;
  /** Flushes, then drops what is left and what comes later. Default 5000. */
  close(timeoutMs?: number): Promise<void>;
}

/** Waiting events beyond this are dropped: telling must never cost the memory of doing. */
const maxWaiting = 1000;
const defaultFlushMs = 5000;

/** Records core v1 Events as client-go does: repeated ones are counted, floods are combined and limited per object. */
export function createRecorder(options: RecorderOptions): EventRecorder {
  return new Recorder(options);
}

class Recorder implements EventRecorder {
  readonly #correlator: Correlator;
  readonly #writer: EventWriter;
  readonly #meter: EventMeter;
  readonly #log: Logger;
  readonly #clock: Clock;
  readonly #stop = new AbortController();
  #waiting = 0;
  #last: Promise<void> = Promise.resolve();
  #closed = false;
  #overflowing = false;

  constructor(options: RecorderOptions) {
    const { clock = systemClock } = options;
    this.#clock = clock;
    this.#log = options.log;
    this.#correlator = new Correlator(clock);
    this.#writer = new EventWriter({ ...options, clock });
    this.#meter = eventMeter(options.metrics);
  }

  event(object: KubeObject, type: EventType, reason: string, message: string): void {
    if (this.#closed) return;
    const reference = referenceTo(object);
    if (reference === undefined) {
      this.#log.warn({ event: reason, name: object.metadata.name }, "event about an object without kind or name");
      return;
    }
    if (this.#waiting >= maxWaiting) {
      this.#overflow();
      return;
    }
    const told = this.#correlator.correlate({ object: reference, type, reason, message });
    if (told === undefined) this.#meter.counted("limited");
    else this.#enqueue(told);
  }

  #enqueue(told: Told): void {
    this.#waiting++;
    // One after the other: an update must find what the creation before it made.
    this.#last = this.#last.then(async () => {
      const written = await this.#writer.write(told, this.#stop.signal);
      this.#waiting--;
      if (written) this.#overflowing = false;
      this.#meter.counted(written ? "written" : "dropped");
    });
  }

  async flush(timeoutMs = defaultFlushMs): Promise<void> {
    using scope = deadlineSignal(timeoutMs, undefined, this.#clock);
    const late = Promise.withResolvers<void>();
    scope.signal.addEventListener("abort", () => late.resolve(), { once: true });
    await Promise.race([this.#last, late.promise]);
  }

  async close(timeoutMs = defaultFlushMs): Promise<void> {
    this.#closed = true;
    await this.flush(timeoutMs);
    if (this.#waiting > 0) this.#log.warn({ events: this.#waiting }, "events not written before the end");
    this.#stop.abort();
    await this.#last;
  }

  #overflow(): void {
    this.#meter.counted("dropped");
    if (!this.#overflowing) this.#log.warn({ events: maxWaiting }, "too many events wait to be written, dropping");
    this.#overflowing = true;
  }
}
