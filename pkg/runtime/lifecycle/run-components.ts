import type { Logger } from "../log/index.ts";
import { linkedSignal, type SignalScope } from "../timing/index.ts";
import type { Runnable } from "./component.ts";

/** A component that is ready to run. */
export interface BuiltComponent {
  readonly name: string;
  readonly runnable: Runnable;
}

/** A component that ended the others by failing. Its `cause` is what it failed with. */
export class ComponentError extends Error {
  override readonly name = "ComponentError";
  readonly component: string;

  constructor(component: string, cause: unknown) {
    super(`component ${component} failed`, { cause });
    this.component = component;
  }
}

export interface RunRules {
  readonly signal: AbortSignal;
  readonly log: Logger;
  /** Called at the first failure, while the others are still stopping. */
  onFailure?(failure: ComponentError): void;
}

/**
 * Runs all components at once, started in their order and told to stop in the reverse order, until all have settled.
 * The first failure stops the others and is thrown as a {@link ComponentError}. A component that ends well does not
 * end the others. One that rejects with the reason of the stop has stopped well.
 */
export async function runComponents(
  components: readonly BuiltComponent[],
  { signal, log, onFailure }: RunRules,
): Promise<void> {
  let failure: ComponentError | undefined;
  const scopes = components.map(() => linkedSignal());
  const stop = (reason: unknown): void => {
    for (const scope of scopes.toReversed()) scope.abort(reason);
  };
  const onAbort = (): void => stop(signal.reason);
  if (signal.aborted) onAbort();
  signal.addEventListener("abort", onAbort, { once: true });
  const fail = (name: string, error: unknown, own: AbortSignal): void => {
    if (own.aborted && error === own.reason) return;
    if (failure !== undefined) {
      log.warn({ component: name, err: error }, "component failed while stopping");
      return;
    }
    failure = new ComponentError(name, error);
    stop(failure);
    onFailure?.(failure);
  };
  await Promise.all(
    components.map(async ({ name, runnable }, index) => {
      const own = (scopes[index] as SignalScope).signal;
      try {
        await runnable.run(own);
        log.debug({ component: name }, "component ended");
      } catch (thrown) {
        fail(name, thrown, own);
      }
    }),
  );
  signal.removeEventListener("abort", onAbort);
  if (failure !== undefined) throw failure;
}
