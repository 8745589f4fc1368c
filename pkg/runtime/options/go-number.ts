const BASES: readonly (readonly [prefix: RegExp, digits: RegExp, base: string])[] = [
  [/^0x_?/i, /^[0-9a-f]+(_[0-9a-f]+)*$/i, "0x"],
  [/^0b_?/i, /^[01]+(_[01]+)*$/, "0b"],
  [/^0o_?/i, /^[0-7]+(_[0-7]+)*$/, "0o"],
  [/^0_?(?=\d)/, /^[0-7]+(_[0-7]+)*$/, "0o"],
];
const DECIMAL = [/^/, /^\d+(_\d+)*$/, ""] as const;

/**
 * Reads an integer as Go's `strconv.ParseInt(s, 0, 64)` does: decimal, 0x, 0o, 0b, a leading 0 for octal, and
 * underscores between digits. Refuses what a JavaScript number can not hold exactly.
 */
export function parseInteger(text: string): number {
  const [, sign = "", body = ""] = /^([+-]?)(.*)$/s.exec(text) ?? [];
  const [prefix, digits, base] = BASES.find(([start]) => start.test(body)) ?? DECIMAL;
  const rest = body.replace(prefix, "");
  if (!digits.test(rest)) throw new Error(`invalid integer "${text}"`);
  const value = Number(BigInt(base + rest.replaceAll("_", "")));
  if (!Number.isSafeInteger(value)) throw new Error(`integer "${text}" is out of range`);
  return sign === "-" && value !== 0 ? -value : value;
}

/** Reads a decimal number such as "5", ".5" or "1e3". Refuses infinities and what is not a number. */
export function parseNumber(text: string): number {
  if (!/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text)) throw new Error(`invalid number "${text}"`);
  const value = Number(text);
  if (!Number.isFinite(value)) throw new Error(`number "${text}" is out of range`);
  return value;
}

const TRUE = new Set(["1", "t", "T", "true", "TRUE", "True"]);
const FALSE = new Set(["0", "f", "F", "false", "FALSE", "False"]);

/** Reads a boolean as Go's `strconv.ParseBool` does. */
export function parseBoolean(text: string): boolean {
  if (TRUE.has(text)) return true;
  if (FALSE.has(text)) return false;
  throw new Error(`invalid boolean "${text}" (expected true or false)`);
}
