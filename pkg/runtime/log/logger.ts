import { type LevelWithSilent, type Logger, pino } from "pino";
import { createRedaction, type Redaction } from "./redaction.ts";
import { serializeError, serializeFields } from "./serialize.ts";
import { textLine } from "./text-line.ts";

/** Takes whole lines. `process.stderr` is one. */
export interface LogDestination {
  write(line: string): unknown;
}

export interface LoggerOptions {
  /** Name of the program; stands on every line. */
  readonly name: string;
  /** `info` unless told. */
  readonly level?: LevelWithSilent;
  /** One JSON object per line, or one line for people. `json` unless told. */
  readonly format?: "json" | "text";
  /** Standard error unless told, as the original programs do. */
  readonly destination?: LogDestination;
  /** Shared with whoever learns secrets. */
  readonly redaction?: Redaction;
}

/**
 * A logger that writes `time`, `level`, `program`, the fields and `msg`, never a secret. Log a constant message and
 * put what varies into fields: `component`, `driver`, `kind`, `namespace`, `name`, `uid`, `reason`, `op`,
 * `durationMs`, `err`.
 */
export function createLogger(options: LoggerOptions): Logger {
  const {
    name,
    level = "info",
    format = "json",
    destination = process.stderr,
    redaction = createRedaction(),
  } = options;
  return pino(
    {
      level,
      base: { program: name },
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
      formatters: { level: (label) => ({ level: label }), log: serializeFields },
      serializers: { err: (given: unknown) => (given instanceof Error ? serializeError(given) : given) },
    },
    {
      // Not pino's streamWrite hook: it is lost on the way through some destinations, and a secret with it.
      write: (line: string) => {
        const safe = redaction.line(line);
        destination.write(format === "text" ? textLine(safe) : safe);
      },
    },
  );
}

/** A logger that says nothing, for tests and libraries. */
export function silentLogger(): Logger {
  return pino({ level: "silent" });
}
