import type { Event, ObjectReference } from "../../apis/core/index.ts";
import type { Clock } from "../../runtime/timing/index.ts";

/** Something that happened to an object. */
export interface Occurrence {
  readonly object: ObjectReference;
  readonly type: "Normal" | "Warning";
  readonly reason: string;
  readonly message: string;
}

/** An occurrence with how often it was seen; `entry` remembers the event that was written for it. */
export interface Told extends Occurrence {
  readonly count: number;
  /** Milliseconds since the epoch. */
  readonly firstAt: number;
  readonly lastAt: number;
  readonly entry: Entry;
}

/** One event in the cluster, as far as we know. */
export interface Entry {
  count: number;
  readonly firstAt: number;
  written: Event | undefined;
}

interface Group {
  readonly messages: Set<string>;
  lastAt: number;
}

interface Bucket {
  tokens: number;
  at: number;
}

/** client-go's numbers: EventCorrelatorOptions. */
const maxSimilar = 10;
const similarMs = 600_000;
const burst = 25;
const refillPerMs = 1 / 300_000;
const cacheSize = 4096;

/**
 * client-go's rules against floods: more than ten messages of one reason within ten minutes become one combined event;
 * each object has 25 events and one more every five minutes; the same event again only counts up.
 */
export class Correlator {
  readonly #clock: Clock;
  readonly #buckets = new Recent<Bucket>(cacheSize);
  readonly #groups = new Recent<Group>(cacheSize);
  readonly #entries = new Recent<Entry>(cacheSize);

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** What to write; undefined when the object has had its share. */
  correlate(occurrence: Occurrence): Told | undefined {
    const now = this.#clock.now();
    const object = JSON.stringify(occurrence.object, ["kind", "namespace", "name", "uid", "apiVersion"]);
    const group = `${object}\0${occurrence.type}\0${occurrence.reason}`;
    const combined = this.#combined(group, occurrence.message, now);
    const message = combined ? `(combined from similar events): ${occurrence.message}` : occurrence.message;
    const key = combined ? group : `${group}\0${message}`;
    const entry = this.#entries.get(key) ?? { count: 0, firstAt: now, written: undefined };
    this.#entries.set(key, entry);
    entry.count++;
    if (!this.#mayTell(object)) return undefined;
    return { ...occurrence, message, count: entry.count, firstAt: entry.firstAt, lastAt: now, entry };
  }

  #combined(key: string, message: string, now: number): boolean {
    let group = this.#groups.get(key);
    if (group === undefined || now - group.lastAt > similarMs) group = { messages: new Set(), lastAt: now };
    group.lastAt = now;
    if (group.messages.size <= maxSimilar) group.messages.add(message);
    this.#groups.set(key, group);
    return group.messages.size > maxSimilar;
  }

  #mayTell(object: string): boolean {
    const at = this.#clock.monotonic();
    const bucket = this.#buckets.get(object) ?? { tokens: burst, at };
    bucket.tokens = Math.min(burst, bucket.tokens + (at - bucket.at) * refillPerMs);
    bucket.at = at;
    this.#buckets.set(object, bucket);
    if (bucket.tokens < 1) return false;
    bucket.tokens--;
    return true;
  }
}

/** A map that forgets what was not used for longest. */
class Recent<V> {
  readonly #size: number;
  readonly #map = new Map<string, V>();

  constructor(size: number) {
    this.#size = size;
  }

  get(key: string): V | undefined {
    return this.#map.get(key);
  }

  set(key: string, value: V): void {
    this.#map.delete(key);
    this.#map.set(key, value);
    if (this.#map.size <= this.#size) return;
    const [oldest] = this.#map.keys();
    if (oldest !== undefined) this.#map.delete(oldest);
  }
}
