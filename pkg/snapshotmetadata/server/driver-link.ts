import type { Logger } from "pino";
import type { DriverConnection } from "../../csi/index.ts";
import { PluginCapability_Service_Type } from "../../gen/csi/v1/csi.ts";
import { Failure, toFailure } from "../../runtime/errors/index.ts";
import type { Clock } from "../../runtime/timing/index.ts";
import type { MetadataDriver } from "./handler.ts";
import { Refusal } from "./refusals.ts";

/** The driver behind this server: who it is, and whether it can be called now. */
export interface DriverLink extends MetadataDriver {
  /** Name of the driver, or `unknown-driver` before it has told it. */
  readonly name: string;
  readonly ready: boolean;
  /**
   * Keeps asking the driver who it is, what it can and whether it is ready: at the start and after every loss.
   * Rejects when the driver can not serve metadata, or is another one than before.
   */
  run(signal: AbortSignal): Promise<void>;
}

export interface DriverLinkOptions {
  readonly connection: DriverConnection;
  readonly log: Logger;
  readonly clock: Clock;
  readonly onReady: (ready: boolean) => void;
}

/** Milliseconds between two attempts to meet the driver. */
const retryMs = 1_000;

const servicePath = "/csi.v1.SnapshotMetadata";

export function linkDriver({ connection, log, clock, onReady }: DriverLinkOptions): DriverLink {
  let name: string | undefined;
  let ready = false;
  const setReady = (now: boolean): void => {
    if (now === ready) return;
    ready = now;
    log.info({ driver: name, ready }, now ? "driver ready" : "driver lost");
    onReady(now);
  };
  const meet = async (signal: AbortSignal): Promise<void> => {
    // Said at once: a probe of a driver that is not there takes its whole deadline to fail.
    if (connection.state !== "ready") log.info({ csiAddress: connection.address }, "waiting for the CSI driver");
    await connection.waitReady({ signal });
    const info = await connection.pluginInfo({ signal });
    if (name !== undefined && info.name !== name) {
      throw new Failure("terminal", "DriverChanged", `the driver was ${name} and is now ${info.name}`);
    }
    const { services } = await connection.pluginCapabilities({ signal });
    if (!services.has(PluginCapability_Service_Type.SNAPSHOT_METADATA_SERVICE)) {
      const message = `driver ${info.name} does not offer SNAPSHOT_METADATA_SERVICE in GetPluginCapabilities`;
      throw new Failure("terminal", "NoSnapshotMetadata", message);
    }
    name = info.name;
    setReady(true);
  };
  return {
    get name() {
      return name ?? "unknown-driver";
    },
    get ready() {
      return ready;
    },
    requireName: () => {
      if (name !== undefined) return name;
      throw new Refusal("driverUnknown", "the CSI driver has not answered yet; try again");
    },
    requireReady: () => {
      if (!ready) throw new Refusal("driverNotReady", "the CSI driver is not ready; try again");
    },
    open: (method, request, deadline) => connection.openBytes(`${servicePath}/${method}`, request, { deadline }),
    run: (signal) =>
      follow(
        connection,
        signal,
        (each) => persistently(meet, { log, clock }, each),
        () => setReady(false),
      ),
  };
}

/** Waits out what passes by itself, such as a driver that dies while it is being asked. */
async function persistently(
  meet: (signal: AbortSignal) => Promise<void>,
  { log, clock }: Pick<DriverLinkOptions, "log" | "clock">,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    try {
      return await meet(signal);
    } catch (thrown) {
      if (signal.aborted) return;
      const failure = toFailure(thrown);
      if (failure.kind === "terminal") throw failure;
      log.warn({ err: failure }, "driver not met; trying again");
      await clock.sleep(retryMs, signal).catch(() => {});
    }
  }
}

/** Meets the driver at each connection, and says when it is lost. */
async function follow(
  connection: DriverConnection,
  signal: AbortSignal,
  meet: (signal: AbortSignal) => Promise<void>,
  lost: () => void,
): Promise<void> {
  while (!signal.aborted) {
    await meet(signal);
    await untilNotReady(connection, signal);
    lost();
  }
}

function untilNotReady(connection: DriverConnection, signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const done = (): void => resolve();
  // Tells the present state first, so that a loss in between is not missed.
  const unsubscribe = connection.onState((state) => {
    if (state !== "ready") resolve();
  });
  if (signal.aborted) resolve();
  signal.addEventListener("abort", done, { once: true });
  return promise.finally(() => {
    unsubscribe();
    signal.removeEventListener("abort", done);
  });
}
