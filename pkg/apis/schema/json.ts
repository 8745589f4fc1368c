import type { Kind, KubeObject } from "./kind.ts";

/** `JSON.rawJSON` and the reviver's context: in Node 24, not yet in the type library. */
interface RawJson {
  rawJSON(text: string): unknown;
  parse(text: string, reviver: (key: string, value: unknown, context: { source?: string }) => unknown): unknown;
}

const raw = JSON as unknown as RawJson;

/** A number that may be beyond what a JavaScript number holds; only texts with one pay for the slow way. */
const longNumber = /(?:^|[:,[\s])-?\d{16}/;

/** JSON without loss: whole numbers beyond ±2^53 come as bigint, all others as numbers. Throws SyntaxError. */
export function parseJson(text: string): unknown {
  if (!longNumber.test(text)) return JSON.parse(text);
  return raw.parse(text, (_key, value, { source }) => {
    if (typeof value !== "number" || Number.isSafeInteger(value)) return value;
    return source !== undefined && /^-?\d+$/.test(source) ? BigInt(source) : value;
  });
}

/** The opposite of `parseJson`: bigint is written as a number. */
export function stringifyJson(value: unknown): string {
  return JSON.stringify(value, (_key, each: unknown) => (typeof each === "bigint" ? raw.rawJSON(String(each)) : each));
}

/**
 * Makes the int64 fields of an object bigint, in place, whatever `parseJson` gave; returns the object.
 * Fields that are absent or no whole number stay as they are.
 */
export function withInt64<T extends KubeObject>(kind: Pick<Kind<T>, "int64">, object: T): T {
  for (const path of kind.int64 ?? []) widen(object, path.split("."));
  return object;
}

function widen(value: unknown, [step, ...rest]: readonly string[]): void {
  if (step === undefined || typeof value !== "object" || value === null) return;
  const name = step.replace(/(\[\]|\{\})$/, "");
  const holder = value as Record<string, unknown>;
  const found = holder[name];
  if (step !== name) {
    for (const each of Object.values((found ?? {}) as object)) widen(each, rest);
  } else if (rest.length > 0) {
    widen(found, rest);
  } else if (typeof found === "number" && Number.isSafeInteger(found)) {
    holder[name] = BigInt(found);
  }
}
