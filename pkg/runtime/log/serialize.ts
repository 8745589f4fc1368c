import { Failure } from "../errors/index.ts";

const DEEPEST = 6;
const LONGEST_LIST = 100;

/** What the log says of an error. Only these fields: others may hold requests, headers or metadata. */
export interface LoggedError {
  readonly type: string;
  readonly message: string;
  readonly code?: string | number;
  readonly status?: number;
  readonly reason?: string;
  readonly kind?: string;
  readonly stack?: string;
  readonly cause?: LoggedError;
  readonly errors?: readonly LoggedError[];
}

/** Turns an error, with its causes, into plain data for the log. */
export function serializeError(thrown: unknown, depth = 0): LoggedError {
  if (!(thrown instanceof Error))
    return { type: typeof thrown, message: typeof thrown === "object" ? "not an error" : String(thrown) };
  const fields = thrown as Error & { readonly [field: string]: unknown };
  const { code, status, reason } = fields;
  return {
    type: thrown.name,
    message: thrown.message,
    ...(typeof code === "string" || typeof code === "number" ? { code } : {}),
    ...(typeof status === "number" ? { status } : {}),
    ...(typeof reason === "string" ? { reason } : {}),
    ...(thrown instanceof Failure ? { kind: thrown.kind } : {}),
    ...(depth === 0 && thrown.stack !== undefined ? { stack: framesOf(thrown.stack) } : {}),
    ...(thrown.cause !== undefined && depth < DEEPEST ? { cause: serializeError(thrown.cause, depth + 1) } : {}),
    ...(thrown instanceof AggregateError && depth < DEEPEST
      ? { errors: thrown.errors.slice(0, LONGEST_LIST).map((each) => serializeError(each, depth + 1)) }
      : {}),
  };
}

/** Where it was thrown, without the message, which stands beside it. */
function framesOf(stack: string): string {
  return stack
    .split("\n")
    .filter((line) => /^\s+at /.test(line))
    .map((line) => line.trim())
    .join("\n");
}

/**
 * Plain data for the log: errors by {@link serializeError}, bytes by their number, instances of classes by their
 * class name only, since sockets, requests and calls hold what must not be logged.
 */
export function serializeFields(fields: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).map(([key, value]) => [key, serializeValue(value, 0)]));
}

function serializeValue(value: unknown, depth: number): unknown {
  if (typeof value === "bigint") return String(value);
  if (typeof value === "function") return undefined;
  if (typeof value !== "object" || value === null) return value;
  if (value instanceof Error) return serializeError(value);
  if (value instanceof Uint8Array) return `<${value.byteLength} bytes>`;
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? "Invalid Date" : value.toISOString();
  if (depth >= DEEPEST) return "…";
  if (Array.isArray(value)) return value.slice(0, LONGEST_LIST).map((each) => serializeValue(each, depth + 1));
  if (value instanceof Set) return serializeValue([...value], depth);
  if (value instanceof Map) return serializeValue(Object.fromEntries(value), depth);
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== null && prototype !== Object.prototype) return `<${value.constructor.name}>`;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, serializeValue(each, depth + 1)]));
}
