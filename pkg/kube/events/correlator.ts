import type { Event, ObjectReference } from "../../apis/core/index.ts";
import type { Clock } from "../../runtime/timing/index.ts";
import { Recent } from "./recent.ts";

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
  messages: Set<string>;
  lastAt: number;
}

interface Bucket {
  tokens: number;
  at: number;
}

/** client-go's numbers. */
const maxSimilar = 10;
const similarMs = 600_000;
const burst = 25;
const refillPerMs = 1 / 300_000;
const cacheSize = 4096;

/**
 * client-go's rules against floods: from the tenth message of one reason within ten minutes on, further ones become one
 * combined event; each object has 25 events of each type and one more every five minutes; the same event again only
 * counts up.
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
    const { kind, namespace, name, uid, apiVersion } = occurrence.object;
    const object = JSON.stringify([apiVersion, kind, namespace, name, uid, occurrence.type]);
    const group = `${object}\0${occurrence.reason}`;
    const combined = this.#isOneOfMany(group, occurrence.message, now);
    const message = combined ? `(combined from similar events): ${occurrence.message}` : occurrence.message;
    const key = combined ? group : `${group}\0${message}`;
    const entry = this.#entries.use(key, () => ({ count: 0, firstAt: now, written: undefined }));
    entry.count++;
    if (!this.#mayTell(object)) return undefined;
    return { ...occurrence, message, count: entry.count, firstAt: entry.firstAt, lastAt: now, entry };
  }

  #isOneOfMany(key: string, message: string, now: number): boolean {
    const group = this.#groups.use(key, () => ({ messages: new Set(), lastAt: now }));
    if (now - group.lastAt > similarMs) group.messages = new Set();
    group.lastAt = now;
    if (group.messages.has(message)) return false;
    if (group.messages.size >= maxSimilar - 1) return true;
    group.messages.add(message);
    return false;
  }

  #mayTell(object: string): boolean {
    const at = this.#clock.monotonic();
    const bucket = this.#buckets.use(object, () => ({ tokens: burst, at }));
    bucket.tokens = Math.min(burst, bucket.tokens + (at - bucket.at) * refillPerMs);
    bucket.at = at;
    if (bucket.tokens < 1) return false;
    bucket.tokens--;
    return true;
  }
}
