import { type Clock, systemClock } from "./clock.ts";

/** A signal that must be let go of, else its parents keep it: `using scope = deadlineSignal(…)`. */
export interface SignalScope extends Disposable {
  readonly signal: AbortSignal;
  /** Aborts the signal; its parents are not touched. */
  abort(reason?: unknown): void;
}

/** The reason of a signal whose time is up. */
export class DeadlineError extends Error {
  override readonly name = "DeadlineError";
  readonly ms: number;

  constructor(ms: number) {
    super(`no result within ${ms} ms`);
    this.ms = ms;
  }
}

/** A signal that aborts with the first of its parents, with that parent's reason. */
export function linkedSignal(...parents: readonly (AbortSignal | undefined)[]): SignalScope {
  const controller = new AbortController();
  const listeners: (() => void)[] = [];
  const release = (): void => {
    for (const remove of listeners.splice(0)) remove();
  };
  const abort = (reason?: unknown): void => {
    release();
    controller.abort(reason);
  };
  for (const parent of parents) {
    if (parent === undefined || controller.signal.aborted) continue;
    if (parent.aborted) {
      abort(parent.reason);
      continue;
    }
    const onAbort = (): void => abort(parent.reason);
    parent.addEventListener("abort", onAbort, { once: true });
    listeners.push(() => parent.removeEventListener("abort", onAbort));
  }
  return { signal: controller.signal, abort, [Symbol.dispose]: release };
}

/** A signal that aborts with a {@link DeadlineError} after `ms`, or with its parent. Any length, also Infinity. */
export function deadlineSignal(ms: number, parent?: AbortSignal, clock: Clock = systemClock): SignalScope {
  const scope = linkedSignal(parent);
  const timer = new AbortController();
  if (!scope.signal.aborted && ms !== Number.POSITIVE_INFINITY) {
    scope.signal.addEventListener("abort", () => timer.abort(), { once: true });
    clock.sleep(ms, timer.signal).then(
      () => scope.abort(new DeadlineError(ms)),
      () => undefined,
    );
  }
  return {
    signal: scope.signal,
    abort: scope.abort,
    [Symbol.dispose]: () => {
      timer.abort();
      scope[Symbol.dispose]();
    },
  };
}

/**
 * Settles as `work` does, or rejects with the signal's reason if that comes first. The work itself goes on: give it
 * the signal too if it can stop.
 */
export function abortable<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return work;
  return new Promise<T>((resolve, reject) => {
    const abort = (): void => reject(signal.reason);
    if (signal.aborted) abort();
    else signal.addEventListener("abort", abort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener("abort", abort));
  });
}

/** Settles when the signal aborts. */
export function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
