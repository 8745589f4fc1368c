import type { KubeObject } from "../../apis/schema/index.ts";
import { Failure, messageOf } from "../../runtime/errors/index.ts";
import { abortable, aborted, systemClock } from "../../runtime/timing/index.ts";
import type { ObjectRef } from "../client/index.ts";
import type { Change, IndexFunction, Informer, InformerOptions, InformerState } from "./informer.ts";
import { cacheMeter } from "./metrics.ts";
import { Reflector } from "./reflector.ts";
import { keyFrom, keyOf, Store } from "./store.ts";

/** Makes a cache; nothing is read before `run`. */
export function createInformer<T extends KubeObject>(options: InformerOptions<T>): Informer<T> {
  return new WatchCache(options);
}

type Listener<T> = (change: Change<T>) => void;

class WatchCache<T extends KubeObject> implements Informer<T> {
  readonly kind;
  readonly #options: InformerOptions<T>;
  readonly #clock;
  readonly #log;
  readonly #store = new Store<T>();
  readonly #listeners = new Set<Listener<T>>();
  readonly #waiting = new Set<() => void>();
  #state: InformerState = "idle";
  #currentAt = Number.NEGATIVE_INFINITY;
  #owners = 0;
  #running: { readonly stop: AbortController; readonly ended: Promise<void> } | undefined;

  constructor(options: InformerOptions<T>) {
    this.#options = options;
    this.kind = options.kind;
    this.#clock = options.clock ?? systemClock;
    const { kind, namespace } = options;
    this.#log = options.log.child({ kind: kind.kind, ...(namespace === undefined ? {} : { namespace }) });
    for (const [name, values] of Object.entries(options.indexes ?? {})) this.#store.addIndex(name, values);
  }

  get({ name, namespace }: ObjectRef): T | undefined {
    return this.#store.get(keyFrom(this.kind.namespaced ? namespace : undefined, name));
  }

  getKey(key: string): T | undefined {
    return this.#store.get(key);
  }

  list(namespace?: string): T[] {
    return this.#store.list(namespace);
  }

  keys(): string[] {
    return this.#store.keys();
  }

  byIndex(index: string, value: string): T[] {
    return this.#store.byIndex(index, value);
  }

  addIndex(index: string, values: IndexFunction<T>): void {
    this.#store.addIndex(index, values);
  }

  indexFunction(index: string): IndexFunction<T> {
    return this.#store.indexFunction(index);
  }

  trim(object: T): T {
    return this.#trim(object);
  }

  state(): InformerState {
    return this.#state;
  }

  hasSynced(): boolean {
    return this.#state === "synced";
  }

  async settled(signal?: AbortSignal): Promise<InformerState> {
    while (this.#state === "idle" || this.#state === "listing") {
      const change = Promise.withResolvers<void>();
      this.#waiting.add(change.resolve);
      try {
        await abortable(change.promise, signal);
      } finally {
        this.#waiting.delete(change.resolve);
      }
    }
    return this.#state;
  }

  onChange(listener: Listener<T>): () => void {
    // A wrapper of its own, so that the same function given twice is two listeners.
    const mine: Listener<T> = (change) => listener(change);
    this.#listeners.add(mine);
    for (const object of this.#store.list()) this.#tell(mine, { type: "add", key: keyOf(object), object });
    return () => this.#listeners.delete(mine);
  }

  stalenessMs(): number {
    return this.#clock.monotonic() - this.#currentAt;
  }

  async run(signal: AbortSignal): Promise<void> {
    if (signal.aborted) return;
    this.#owners++;
    const running = this.#start();
    try {
      await Promise.race([aborted(signal), running.ended]);
    } finally {
      if (--this.#owners === 0) {
        this.#running = undefined;
        running.stop.abort(new Failure("transient", "CacheStopped", "the last owner of the cache is gone"));
        await running.ended;
      }
    }
  }

  #start(): { readonly stop: AbortController; readonly ended: Promise<void> } {
    if (this.#running === undefined) {
      const stop = new AbortController();
      const { promise: ended, resolve } = Promise.withResolvers<void>();
      this.#running = { stop, ended };
      void this.#reflect(stop).finally(resolve);
    }
    return this.#running;
  }

  async #reflect(stop: AbortController): Promise<void> {
    const { client, kind, namespace, labelSelector, fieldSelector, metrics } = this.#options;
    const meter = cacheMeter(metrics, {
      resource: kind.group === "" ? kind.plural : `${kind.plural}.${kind.group}`,
      size: () => this.#store.size,
      stalenessMs: () => this.stalenessMs(),
    });
    const reflector = new Reflector<T>({
      client,
      kind,
      namespace,
      labelSelector,
      fieldSelector,
      transform: (object) => this.#trim(object),
      log: this.#log,
      meter,
      clock: this.#clock,
      pageSize: this.#options.pageSize ?? 500,
      minDelayMs: this.#options.minDelayMs ?? 800,
      maxDelayMs: this.#options.maxDelayMs ?? 30_000,
      recheckMs: this.#options.recheckMs ?? 30_000,
      mirror: {
        replace: (objects) => this.#publish(this.#store.replace(objects)),
        put: (object) => this.#publish([this.#store.put(object)]),
        remove: (object) => this.#publish([this.#store.remove(keyOf(object), object)]),
        current: () => {
          this.#currentAt = this.#clock.monotonic();
        },
        // One that is ending no longer speaks for a cache that was started again.
        state: (state) => {
          if (this.#running === undefined || this.#running.stop === stop) this.#enter(state);
        },
      },
    });
    try {
      await reflector.run(stop.signal);
    } finally {
      meter.remove();
    }
  }

  #trim(object: T): T {
    const { transform } = this.#options;
    const { managedFields: _dropped, ...metadata } = object.metadata;
    const trimmed = { ...object, metadata };
    return transform ? transform(trimmed) : trimmed;
  }

  #publish(changes: readonly (Change<T> | undefined)[]): void {
    for (const change of changes) if (change) for (const listener of this.#listeners) this.#tell(listener, change);
  }

  /** A listener that throws must not stop the cache. */
  #tell(listener: Listener<T>, change: Change<T>): void {
    try {
      listener(change);
    } catch (thrown) {
      this.#log.error({ op: change.type, key: change.key, err: messageOf(thrown) }, "listener of a cache failed");
    }
  }

  #enter(state: InformerState): void {
    if (this.#state === state) return;
    this.#state = state;
    for (const wake of [...this.#waiting]) wake();
  }
}
