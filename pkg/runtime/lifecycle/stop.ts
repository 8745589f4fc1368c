import type { Logger } from "../log/index.ts";
import { ComponentError } from "./run-components.ts";

const SIGNALS = ["SIGTERM", "SIGINT", "SIGHUP", "SIGQUIT"] as const;
type StopSignal = (typeof SIGNALS)[number];

/** Where signals and lost errors come from. `process` is one. */
export interface SignalSource {
  on(event: StopSignal, listener: (signal: StopSignal) => void): unknown;
  on(event: "unhandledRejection", listener: (reason: unknown) => void): unknown;
  on(event: "uncaughtException", listener: (error: Error) => void): unknown;
  off(event: StopSignal, listener: (signal: StopSignal) => void): unknown;
  off(event: "unhandledRejection", listener: (reason: unknown) => void): unknown;
  off(event: "uncaughtException", listener: (error: Error) => void): unknown;
  exit?(code: number): unknown;
}

export interface StopRules {
  readonly log: Logger;
  /** How long the work may take to end after a signal or a failure, milliseconds. */
  readonly drainMs: number;
}

/** What is left running this long after the end is cut off. */
const LINGER_MS = 1_000;

/**
 * Runs `work` until it ends, and tells it to stop on a signal, on a rejection that nobody handled or an exception that
 * nobody caught. The work says itself when it is `failing`, so that the rest of its end is bounded too. Returns the
 * exit code. A second signal, or the bound, ends the wait.
 */
export async function untilStopped(
  source: SignalSource,
  { log, drainMs }: StopRules,
  work: (signal: AbortSignal, failing: (reason: Error) => void) => Promise<void>,
): Promise<number> {
  // Node ends a program that only waits for a signal, with code 13: signal handlers do not keep it.
  const alive = setInterval(() => undefined, 2 ** 30);
  const stop = new AbortController();
  const given = Promise.withResolvers<number>();
  let code = 0;
  let bound: NodeJS.Timeout | undefined;
  const drain = (reason: Error): void => {
    stop.abort(reason);
    bound ??= setTimeout(() => {
      log.error({ durationMs: drainMs }, "work under way did not end in time");
      given.resolve(1);
    }, drainMs);
  };
  const onSignal = (signal: StopSignal): void => {
    if (stop.signal.aborted) {
      log.warn({ signal }, "stopping at once");
      given.resolve(1);
      return;
    }
    log.info({ signal }, "stopping");
    drain(new Error(`stopped by ${signal}`));
  };
  const onLost = (error: unknown): void => {
    log.error({ err: error }, "unexpected failure that nobody handled");
    code = 1;
    drain(new Error("stopped by an unexpected failure"));
  };
  for (const signal of SIGNALS) source.on(signal, onSignal);
  source.on("unhandledRejection", onLost);
  source.on("uncaughtException", onLost);
  const done = work(stop.signal, drain).then(
    () => code,
    (thrown: unknown) => {
      report(log, thrown);
      return 1;
    },
  );
  code = Math.max(await Promise.race([done, given.promise]), code);
  clearTimeout(bound);
  clearInterval(alive);
  for (const signal of SIGNALS) source.off(signal, onSignal);
  source.off("unhandledRejection", onLost);
  source.off("uncaughtException", onLost);
  log.info({ exitCode: code }, "stopped");
  lingerThenExit(source, log, code);
  return code;
}

function report(log: Logger, thrown: unknown): void {
  if (thrown instanceof SuppressedError) {
    // The work failed, and then so did the closing of what it shared: both must be told, the cause first.
    report(log, thrown.suppressed);
    report(log, thrown.error);
    return;
  }
  if (thrown instanceof ComponentError) log.error({ component: thrown.component, err: thrown.cause }, thrown.message);
  else log.error({ err: thrown }, "failed");
}

/** A handle that someone forgot must not keep a failed program from being restarted. */
function lingerThenExit(source: SignalSource, log: Logger, code: number): void {
  setTimeout(() => {
    log.warn("something was still running after the end");
    source.exit?.(code);
  }, LINGER_MS).unref();
}
