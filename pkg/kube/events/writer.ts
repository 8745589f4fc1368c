import type { Logger } from "pino";
import { Event } from "../../apis/core/index.ts";
import { toFailure } from "../../runtime/errors/index.ts";
import { type Clock, delayAfter } from "../../runtime/timing/index.ts";
import { ApiError, isNotFound, type KubeClient } from "../client/index.ts";
import type { Told } from "./correlator.ts";

export interface EventWriterDeps {
  readonly client: Pick<KubeClient, "create" | "patch">;
  readonly component: string;
  readonly host?: string | undefined;
  readonly log: Logger;
  readonly clock: Clock;
}

const maxTries = 5;

/** Writes events: a new one is created, a repeated one patched. Tries a few times, then gives up. */
export class EventWriter {
  readonly #deps: EventWriterDeps;
  /** Names end in the time; two events of one millisecond must differ. */
  #sequence = 0;

  constructor(deps: EventWriterDeps) {
    this.#deps = deps;
  }

  /** False when the event could not be written. Never rejects. */
  async write(told: Told, signal: AbortSignal): Promise<boolean> {
    const { clock, log } = this.#deps;
    for (let tries = 0; !signal.aborted; tries++) {
      try {
        told.entry.written = await this.#once(told, signal);
        return true;
      } catch (thrown) {
        const failure = toFailure(thrown);
        const final = failure instanceof ApiError && failure.status < 500 && failure.status !== 429;
        if (final || tries + 1 >= maxTries || signal.aborted) {
          log.warn({ reason: failure.reason, err: failure.message, event: told.reason }, "event not written");
          return false;
        }
        await clock.sleep(delayAfter(tries, { baseMs: 500, maxMs: 10_000 }), signal).catch(() => undefined);
      }
    }
    return false;
  }

  async #once(told: Told, signal: AbortSignal): Promise<Event> {
    const { client } = this.#deps;
    const { written } = told.entry;
    if (written === undefined) return client.create(Event, this.#eventOf(told), { signal });
    const { name = "", namespace } = written.metadata;
    const body = { count: told.count, lastTimestamp: seconds(told.lastAt), message: told.message };
    try {
      return await client.patch(Event, { name, namespace }, { type: "strategic", body }, { signal });
    } catch (thrown) {
      // Events live for an hour; this one's time was up.
      if (!isNotFound(thrown)) throw thrown;
      return client.create(Event, this.#eventOf(told), { signal });
    }
  }

  #eventOf({ object, type, reason, message, count, firstAt, lastAt }: Told): Event {
    const { component, host, clock } = this.#deps;
    const stamp = BigInt(clock.now()) * 1_000_000n + BigInt(this.#sequence++ % 1_000_000);
    // As client-go: events of cluster-scoped objects go to "default".
    const namespace = object.namespace ?? "default";
    return {
      metadata: { name: `${object.name}.${stamp.toString(16)}`, namespace },
      involvedObject: object,
      reason,
      message,
      type,
      count,
      firstTimestamp: seconds(firstAt),
      lastTimestamp: seconds(lastAt),
      source: host === undefined ? { component } : { component, host },
      reportingComponent: component,
      ...(host === undefined ? {} : { reportingInstance: host }),
    };
  }
}

const seconds = (ms: number): string => new Date(ms).toISOString().replace(/\.\d+Z$/, "Z");
