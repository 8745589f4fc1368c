import type { Logger } from "pino";
import type { Change } from "../storage/collection.ts";
import type { GroupResource } from "../wire/status.ts";

/** A change, and of what. */
export interface ResourceChange extends GroupResource {
  readonly change: Change;
}

/** What has changed since a controller looked last. */
export interface News {
  readonly changes: readonly ResourceChange[];
  /** True when objects of this resource are among the changes. */
  touched(group: string, resource: string): boolean;
  /** After so many milliseconds, `due` gives the change to look at again. */
  later(ms: number, due: () => ResourceChange): void;
}

/** Brings the stored objects nearer to what they should be. What it changes is news for the next round. */
export interface Step {
  step(news: News): void;
}

/** Runs the controllers after changes, never within a request, until nothing changes any more. */
export class ControllerLoop {
  readonly #steps: readonly Step[];
  readonly #log: Logger | undefined;
  #changes: ResourceChange[] = [];
  #scheduled = false;
  #stopped = false;
  readonly #timers = new Set<NodeJS.Timeout>();

  constructor(steps: readonly Step[], log: Logger | undefined) {
    this.#steps = steps;
    this.#log = log;
  }

  /** Takes note of a change; a round follows soon. */
  note(change: ResourceChange): void {
    this.#changes.push(change);
    if (this.#scheduled || this.#stopped) return;
    this.#scheduled = true;
    setImmediate(() => this.#round());
  }

  stop(): void {
    this.#stopped = true;
    for (const timer of this.#timers) clearTimeout(timer);
  }

  #later(ms: number, due: () => ResourceChange): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      this.note(due());
    }, ms);
    timer.unref();
    this.#timers.add(timer);
  }

  #round(): void {
    this.#scheduled = false;
    if (this.#stopped) return;
    const changes = this.#changes;
    this.#changes = [];
    const kinds = new Set(changes.map(({ group, resource }) => `${group}/${resource}`));
    const news: News = {
      changes,
      touched: (group, resource) => kinds.has(`${group}/${resource}`),
      later: (ms, due) => this.#later(ms, due),
    };
    for (const step of this.#steps) {
      try {
        step.step(news);
      } catch (err) {
        this.#log?.warn({ err }, "a controller failed");
      }
    }
  }
}
