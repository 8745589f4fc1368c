export type { Logger } from "pino";
export { createLogger, type LogDestination, type LoggerOptions, silentLogger } from "./logger.ts";
export { createRedaction, type Redaction } from "./redaction.ts";
export { type LoggedError, serializeError } from "./serialize.ts";
