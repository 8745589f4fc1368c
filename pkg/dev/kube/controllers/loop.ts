import type { Logger } from "pino";

/** Something that brings the stored objects nearer to what they should be; true when it changed anything. */
export interface Step {
  step(): boolean;
}

/** Runs the controllers after changes, never within a request, until nothing changes any more. */
export class ControllerLoop {
  readonly #steps: readonly Step[];
  readonly #log: Logger | undefined;
  #scheduled = false;
  #stopped = false;

  constructor(steps: readonly Step[], log: Logger | undefined) {
    this.#steps = steps;
    this.#log = log;
  }

  /** Asks for a round soon. */
  wake(): void {
    if (this.#scheduled || this.#stopped) return;
    this.#scheduled = true;
    setImmediate(() => this.#round());
  }

  stop(): void {
    this.#stopped = true;
  }

  #round(): void {
    this.#scheduled = false;
    if (this.#stopped) return;
    let changed = false;
    for (const step of this.#steps) {
      try {
        changed = step.step() || changed;
      } catch (err) {
        this.#log?.warn({ err }, "a controller failed");
      }
    }
    if (changed) this.wake();
  }
}
