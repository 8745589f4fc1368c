import { setLogger } from "@grpc/grpc-js";
import type { Logger } from "../../runtime/log/index.ts";

/**
 * Has grpc-js write to this log what it would print to stderr in lines of its own. It has one logger for the whole
 * process: the last call counts. What it tells at all is up to GRPC_VERBOSITY and GRPC_TRACE, as ever: errors.
 */
export function routeGrpcLog(log: Logger): void {
  const to = (level: "error" | "info" | "debug") => (message?: unknown) => {
    log[level]({ library: "grpc-js" }, String(message).trim());
  };
  setLogger({ error: to("error"), info: to("info"), debug: to("debug") });
}
