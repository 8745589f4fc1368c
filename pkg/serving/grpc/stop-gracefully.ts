import type { Server } from "@grpc/grpc-js";
import { type Clock, systemClock } from "../../runtime/timing/index.ts";
import type { HealthServing } from "../health/index.ts";
import type { CallTracker } from "./call-tracker.ts";
import type { GrpcListener } from "./listen.ts";

/** How a gRPC server ends. */
export interface GracefulStop {
  /** How long calls under way may take to finish, milliseconds. */
  readonly drainMs: number;
  /** Takes no more connections, and cuts in the end what never became one. */
  readonly listener?: Pick<GrpcListener, "stopAccepting" | "close"> | undefined;
  /** Its watches never end by themselves. */
  readonly health?: HealthServing;
  /** Lets what remains end with UNAVAILABLE; without it the connections are cut and clients see CANCELLED. */
  readonly calls?: Pick<CallTracker, "endAll">;
  readonly clock?: Clock;
}

/** How long the last statuses may take to reach their clients. */
const FAREWELL_MS = 500;

/**
 * Takes no more calls, waits for those under way, ends what is left after the bound, and closes all connections.
 * Says whether all calls had finished by themselves.
 */
export async function stopGracefully(server: Server, rules: GracefulStop): Promise<"drained" | "cut off"> {
  const result = await end(server, rules);
  await rules.listener?.close();
  return result;
}

async function end(server: Server, rules: GracefulStop): Promise<"drained" | "cut off"> {
  const { drainMs, listener, health, calls, clock = systemClock } = rules;
  const over = new AbortController();
  const gone = listener?.stopAccepting();
  const closed = new Promise<void>((resolve) => server.tryShutdown(() => resolve()))
    .then(() => gone)
    .then(() => "drained" as const)
    .finally(() => over.abort());
  const within = (ms: number): Promise<"cut off"> => clock.sleep(ms, over.signal).then(() => "cut off" as const);
  health?.shutdown();
  health?.endWatches();
  const result = await Promise.race([closed, within(drainMs).catch(() => "drained" as const)]);
  if (result === "drained") return result;
  calls?.endAll("the server is shutting down");
  await Promise.race([closed, within(FAREWELL_MS).catch(() => undefined)]);
  server.forceShutdown();
  return result;
}
