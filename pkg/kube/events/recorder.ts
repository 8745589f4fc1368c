import type { Logger } from "pino";
import type { Registry } from "prom-client";
import type { ObjectReference } from "../../apis/core/index.ts";
import type { KubeObject } from "../../apis/schema/index.ts";
import { counter, type MetricFamily } from "../../runtime/metrics/index.ts";
import { type Clock, deadlineSignal, systemClock } from "../../runtime/timing/index.ts";
import type { KubeClient } from "../client/index.ts";
import { Correlator, type Occurrence, type Told } from "./correlator.ts";
import { EventWriter } from "./writer.ts";

export type EventType = "Normal" | "Warning";

export interface RecorderOptions {
  readonly client: KubeClient;
  /** `source.component`, such as `csi-snapshotter hostpath.csi.k8s.io`. */
  readonly component: string;
  readonly host?: string | undefined;
  readonly log: Logger;
  readonly metrics?: Registry | undefined;
  readonly clock?: Clock | undefined;
}

/** Tells people what happens to their objects. Never blocks and never fails. */
export interface EventRecorder {
  /** `object` must carry apiVersion and kind, as everything the client returns does. */
  event(object: KubeObject, type: EventType, reason: string, message: string): void;
  /** Waits until everything recorded so far is written, at most `timeoutMs`. */
  flush(timeoutMs?: number): Promise<void>;
  /** Flushes, then drops what comes later. */
  close(timeoutMs?: number): Promise<void>;
}

const families = {
  type: "counter",
  name: "dp_events_total",
  help: "Kubernetes events by what became of them: written, limited (too many for one object), dropped (could not be written).",
  labels: ["result"],
} as const satisfies MetricFamily;

/** Metrics of the event recorder, for the reference page. */
export const eventMetrics: readonly MetricFamily[] = [families];

/** Waiting events beyond this are dropped: telling must never cost the memory of doing. */
const maxWaiting = 1000;
const defaultFlushMs = 5000;
/** The API's limit for `message`. */
const messageLimit = 1024;

/** Records core v1 Events as client-go does: repeated ones are counted, floods are combined and limited per object. */
export function createRecorder(options: RecorderOptions): EventRecorder {
  return new Recorder(options);
}

class Recorder implements EventRecorder {
  readonly #correlator: Correlator;
  readonly #writer: EventWriter;
  readonly #count: (result: "written" | "limited" | "dropped") => void;
  #waiting = 0;
  #last: Promise<void> = Promise.resolve();
  #closed = false;
  readonly #stop = new AbortController();

  constructor(options: RecorderOptions) {
    const { clock = systemClock, metrics } = options;
    this.#correlator = new Correlator(clock);
    this.#writer = new EventWriter({ ...options, clock });
    const total = metrics && counter(metrics, families);
    this.#count = (result) => total?.inc({ result });
  }

  event(object: KubeObject, type: EventType, reason: string, message: string): void {
    if (this.#closed) return;
    const occurrence: Occurrence = { object: referenceTo(object), type, reason, message: trimmed(message) };
    const told = this.#correlator.correlate(occurrence);
    if (told === undefined) this.#count("limited");
    else if (this.#waiting >= maxWaiting) this.#count("dropped");
    else this.#enqueue(told);
  }

  /** One after the other: an update must find what the creation before it made. */
  #enqueue(told: Told): void {
    this.#waiting++;
    this.#last = this.#last.then(async () => {
      const written = await this.#writer.write(told, this.#stop.signal);
      this.#waiting--;
      this.#count(written ? "written" : "dropped");
    });
  }

  async flush(timeoutMs = defaultFlushMs): Promise<void> {
    using scope = deadlineSignal(timeoutMs);
    const late = new Promise<void>((resolve) =>
      scope.signal.addEventListener("abort", () => resolve(), { once: true }),
    );
    await Promise.race([this.#last, late]);
  }

  async close(timeoutMs = defaultFlushMs): Promise<void> {
    this.#closed = true;
    await this.flush(timeoutMs);
    this.#stop.abort();
    await this.#last;
  }
}

function referenceTo({ apiVersion, kind, metadata }: KubeObject): ObjectReference {
  const { namespace, name, uid, resourceVersion } = metadata;
  const fields = { apiVersion, kind, namespace, name, uid, resourceVersion };
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as ObjectReference;
}

function trimmed(message: string): string {
  if (Buffer.byteLength(message) <= messageLimit) return message;
  // Cutting bytes may split a character; the decoder's replacement for the half is taken off.
  const cut = Buffer.from(message)
    .subarray(0, messageLimit - 3)
    .toString("utf8")
    .replace(/\uFFFD+$/, "");
  return `${cut}…`;
}
