import type { Logger } from "pino";
import type { Kind, KubeObject } from "../../apis/schema/index.ts";
import { type Failure, toFailure } from "../../runtime/errors/index.ts";
import { type Backoff, backoff, type Clock } from "../../runtime/timing/index.ts";
import { ApiError, isExpired, type KubeClient, type ListOf, type WatchEvent } from "../client/index.ts";
import type { InformerState } from "./informer.ts";
import type { CacheMeter } from "./metrics.ts";

/** What a reflector keeps current. */
export interface Mirror<T> {
  replace(objects: readonly T[]): void;
  put(object: T): void;
  remove(object: T): void;
  /** The mirror was the truth a moment ago. */
  current(): void;
  state(state: InformerState): void;
}

export interface ReflectorDeps<T extends KubeObject> {
  readonly client: Pick<KubeClient, "list" | "watch">;
  readonly kind: Kind<T>;
  readonly namespace: string | undefined;
  readonly labelSelector: string | undefined;
  readonly fieldSelector: string | undefined;
  readonly mirror: Mirror<T>;
  readonly transform: (object: T) => T;
  readonly log: Logger;
  readonly meter: CacheMeter;
  readonly clock: Clock;
  readonly pageSize: number;
  readonly minDelayMs: number;
  readonly maxDelayMs: number;
  readonly recheckMs: number;
}

/** A watch that ends sooner than this, having told nothing, is a fault. */
const shortWatchMs = 1000;
/** So many failures in a row of one version, and it is given up for a new list. */
const failuresBeforeRelist = 3;

/** Lists once, then follows the changes from where it stands; a new list only when the server has forgotten. */
export class Reflector<T extends KubeObject> {
  readonly #deps: ReflectorDeps<T>;
  readonly #backoff: Backoff;
  /** Where to resume; undefined: list first. */
  #version: string | undefined;
  /** Listing or watching was refused: live reads go on until a watch has proved to work. */
  #refused = false;

  constructor(deps: ReflectorDeps<T>) {
    this.#deps = deps;
    this.#backoff = backoff({ baseMs: deps.minDelayMs, maxMs: deps.maxDelayMs, jitter: 0.5 });
  }

  /** Settles only when the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, mirror } = this.#deps;
    mirror.state("listing");
    while (!signal.aborted) {
      let pauseMs = 0;
      try {
        if (this.#version === undefined) await this.#list(signal);
        pauseMs = await this.#follow(signal);
      } catch (thrown) {
        if (signal.aborted) break;
        pauseMs = this.#afterFailure(toFailure(thrown));
      }
      if (pauseMs > 0) await clock.sleep(pauseMs, signal).catch(() => undefined);
    }
    mirror.state("idle");
  }

  async #list(signal: AbortSignal): Promise<void> {
    const { client, kind, namespace, labelSelector, fieldSelector, mirror, transform, pageSize, meter } = this.#deps;
    const items: T[] = [];
    let page: ListOf<T> | undefined;
    do {
      const next = page?.metadata.continue;
      page = await client.list(kind, {
        namespace,
        labelSelector,
        fieldSelector,
        limit: pageSize,
        continue: next,
        signal,
      });
      // Page by page, so that the untrimmed objects never are in memory all at once.
      for (const item of page.items) items.push(transform(item));
    } while (page.metadata.continue);
    mirror.replace(items);
    this.#version = page.metadata.resourceVersion;
    meter.listed();
    mirror.current();
    if (!this.#refused) mirror.state("synced");
  }

  /** Follows one watch to its end. Resolves with the pause before the next. */
  async #follow(signal: AbortSignal): Promise<number> {
    const { client, kind, namespace, labelSelector, fieldSelector, clock, meter } = this.#deps;
    const startedAt = clock.monotonic();
    let told = false;
    const onOpen = (): void => this.#opened();
    const options = { namespace, labelSelector, fieldSelector, resourceVersion: this.#version, signal, onOpen };
    for await (const event of client.watch(kind, options)) {
      this.#apply(event);
      told = true;
      this.#backoff.reset();
    }
    meter.watched("ended");
    if (!told && clock.monotonic() - startedAt < shortWatchMs) return this.#backoff.next();
    this.#backoff.reset();
    return 0;
  }

  #apply(event: WatchEvent<T>): void {
    const { mirror, transform } = this.#deps;
    if (event.type === "DELETED") mirror.remove(transform(event.object));
    else if (event.type !== "BOOKMARK") mirror.put(transform(event.object));
    this.#version = event.object.metadata.resourceVersion;
    mirror.current();
  }

  /** We may watch (again). */
  #opened(): void {
    const { mirror, log } = this.#deps;
    if (this.#refused) log.info({ op: "watch" }, "watching works again");
    this.#refused = false;
    mirror.state("synced");
  }

  /** Decides from where to go on; returns the pause before. */
  #afterFailure(failure: Failure): number {
    const { meter, log } = this.#deps;
    const first = this.#backoff.attempts === 0;
    const pauseMs = this.#backoff.next();
    if (isExpired(failure)) {
      meter.watched("expired");
      log.debug({ op: "watch", reason: failure.reason }, "version too old, listing again");
      this.#version = undefined;
      return first ? 0 : pauseMs;
    }
    if (failure instanceof ApiError && (failure.status === 403 || failure.status === 404)) return this.#refuse(failure);
    meter.watched("broken");
    // A broken line keeps its version; one that stays broken, or that the server keeps refusing, needs a new list.
    const answered =
      failure instanceof ApiError || failure.reason.startsWith("Watch") || failure.reason.startsWith("Event");
    if (answered && this.#backoff.attempts >= failuresBeforeRelist) this.#version = undefined;
    const level = first ? "debug" : "warn";
    log[level]({ op: "watch", reason: failure.reason, err: failure.message, durationMs: pauseMs }, "cache reconnects");
    return failure instanceof ApiError ? Math.max(pauseMs, failure.retryAfterMs ?? 0) : pauseMs;
  }

  #refuse(failure: ApiError): number {
    const { meter, mirror, log, recheckMs } = this.#deps;
    meter.watched("refused");
    const absent = failure.status === 404;
    if (!this.#refused) {
      const text = absent
        ? "the API server does not serve this kind (is its CRD installed?): looked for again now and then"
        : "no right to list and watch: live reads are used instead";
      log.warn({ op: "watch", reason: failure.reason, err: failure.message }, text);
    }
    this.#refused = true;
    this.#version = undefined;
    mirror.state(absent ? "absent" : "forbidden");
    return recheckMs * (1 + Math.random() * 0.2);
  }
}
