import type { Runnable } from "../../runtime/lifecycle/index.ts";
import { Loop } from "./loop.ts";
import type { ControllerOptions } from "./options.ts";

/**
 * The one loop: caches → keys → workers → outcome. Settles when all workers and sources have stopped: after the signal
 * no key is taken, and reconciles under way get `drainMs`, or no time when the signal's reason is lost leadership.
 * Rejects when a source fails.
 */
export function createController(options: ControllerOptions): Runnable {
  return { run: (signal) => new Loop(options).run(signal) };
}
