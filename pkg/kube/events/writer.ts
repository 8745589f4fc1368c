import type { Logger } from "pino";
import { Event } from "../../apis/core/index.ts";
import { toFailure } from "../../runtime/errors/index.ts";
import { type Clock, delayAfter } from "../../runtime/timing/index.ts";
import { ApiError, isAlreadyExists, isNotFound, type KubeClient } from "../client/index.ts";
import type { Told } from "./correlator.ts";
import { type EventSource, eventOf, repetitionOf } from "./event-object.ts";

export interface EventWriterDeps extends EventSource {
  readonly client: Pick<KubeClient, "create" | "patch">;
  readonly log: Logger;
  readonly clock: Clock;
}

/** Tries while no server answers; about a quarter of a minute with the pauses between them. */
const maxTries = 6;
const callMs = 10_000;

/** Writes events: a new one is created, a repeated one patched. Tries a few times, then gives up. */
export class EventWriter {
  readonly #deps: EventWriterDeps;
  /** Reasons already complained of since an event was last written: a missing right would fill the log. */
  readonly #complaints = new Set<string>();

  constructor(deps: EventWriterDeps) {
    this.#deps = deps;
  }

  /** False when the event could not be written. Never rejects. */
  async write(told: Told, signal: AbortSignal): Promise<boolean> {
    // One name for all tries.
    const fresh = eventOf(told, this.#deps);
    for (let tries = 1; !signal.aborted; tries++) {
      try {
        told.entry.written = await this.#once(told, fresh, signal);
        this.#complaints.clear();
        return true;
      } catch (thrown) {
        if (isRefusal(thrown) || tries >= maxTries) {
          this.#complain(told, thrown);
          return false;
        }
        const pauseMs = delayAfter(tries - 1, { baseMs: 500, maxMs: 10_000 });
        await this.#deps.clock.sleep(pauseMs, signal).catch(() => undefined);
      }
    }
    return false;
  }

  async #once(told: Told, fresh: Event, signal: AbortSignal): Promise<Event> {
    const { client } = this.#deps;
    const options = { signal, timeoutMs: callMs };
    const { written } = told.entry;
    if (written !== undefined) {
      const { name = "", namespace } = written.metadata;
      const patch = { type: "strategic", body: repetitionOf(told) } as const;
      try {
        return await client.patch(Event, { name, namespace }, patch, options);
      } catch (thrown) {
        // Events live for an hour; this one's time was up.
        if (!isNotFound(thrown)) throw thrown;
      }
    }
    try {
      return await client.create(Event, fresh, options);
    } catch (thrown) {
      // An earlier try arrived, only its answer did not.
      if (isAlreadyExists(thrown)) return fresh;
      throw thrown;
    }
  }

  #complain(told: Told, thrown: unknown): void {
    const { reason } = toFailure(thrown);
    // In a namespace that is going away nobody reads events any more.
    const known = this.#complaints.has(reason) || isNamespaceEnding(thrown);
    this.#complaints.add(reason);
    const { kind, namespace, name } = told.object;
    const fields = { kind, namespace, name, event: told.reason, reason, err: thrown };
    this.#deps.log[known ? "debug" : "warn"](fields, "event not written");
  }
}

/** What the server refused it will refuse again, unless it had no time. */
function isRefusal(thrown: unknown): boolean {
  return thrown instanceof ApiError && thrown.status < 500 && thrown.status !== 429;
}

function isNamespaceEnding(thrown: unknown): boolean {
  if (!(thrown instanceof ApiError)) return false;
  return (thrown.details?.causes ?? []).some((cause) => cause.reason === "NamespaceTerminating");
}
