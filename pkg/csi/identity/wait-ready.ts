import { status } from "@grpc/grpc-js";
import type { Logger } from "../../runtime/log/index.ts";
import type { Clock } from "../../runtime/timing/index.ts";
import { DriverFailure } from "../classify/driver-failure.ts";
import type { CallOptions, ReadyOptions } from "../connection/driver-connection.ts";

export interface WaitDeps {
  probe(options: CallOptions): Promise<boolean>;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Says that the driver is not there yet, as opposed to broken. */
const patience: ReadonlySet<number> = new Set([status.UNAVAILABLE, status.DEADLINE_EXCEEDED]);

/**
 * Probes until the driver says that it is ready, without a limit of its own: a driver may come up long after its
 * sidecars. Any other failure rejects, since waiting would not mend it. The log hears of each new reason once.
 */
export async function waitReady(deps: WaitDeps, options: ReadyOptions = {}): Promise<void> {
  const { intervalMs = 1000, probeTimeoutMs, signal } = options;
  const limits = probeTimeoutMs === undefined ? {} : { timeoutMs: probeTimeoutMs };
  let told: string | undefined;
  for (;;) {
    signal?.throwIfAborted();
    const why = await obstacle(deps, { ...limits, ...(signal === undefined ? {} : { signal }) });
    if (why === undefined) return;
    if (why !== told) deps.log.info({ reason: why }, "waiting for the CSI driver");
    told = why;
    await deps.clock.sleep(intervalMs, signal);
  }
}

async function obstacle(deps: WaitDeps, options: CallOptions): Promise<string | undefined> {
  try {
    return (await deps.probe(options)) ? undefined : "the driver says that it is not ready";
  } catch (thrown) {
    options.signal?.throwIfAborted();
    if (thrown instanceof DriverFailure && patience.has(thrown.code)) return thrown.details;
    throw thrown;
  }
}
