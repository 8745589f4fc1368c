const NS_PER_UNIT: Readonly<Record<string, bigint>> = {
  ns: 1n,
  us: 1_000n,
  "\u00b5s": 1_000n, // micro sign
  "\u03bcs": 1_000n, // Greek letter mu
  ms: 1_000_000n,
  s: 1_000_000_000n,
  m: 60_000_000_000n,
  h: 3_600_000_000_000n,
};

const MAX_NS = 2n ** 63n - 1n;
const PART = /(\d*)(?:\.(\d*))?([^\d.]*)/y;

/**
 * Reads a duration as Go's `time.ParseDuration` does ("1m30s", "1.5h", "300ms", "0") and returns milliseconds,
 * with fractions below one. Throws an Error that says what is expected.
 */
export function parseDuration(text: string): number {
  const sign = /^[+-]/.test(text) ? text.charAt(0) : "";
  const body = text.slice(sign.length);
  if (body === "0") return 0;
  if (body === "") throw expected(text);
  let total = 0n;
  for (let at = 0; at < body.length; ) {
    PART.lastIndex = at;
    const [whole = "", integer = "", fraction = "", unit = ""] = PART.exec(body) ?? [];
    if (integer === "" && fraction === "") throw expected(text);
    if (unit === "") throw new Error(`missing unit in duration "${text}" (ns, us, ms, s, m or h, as in "1m30s")`);
    const scale = Object.hasOwn(NS_PER_UNIT, unit) ? NS_PER_UNIT[unit] : undefined;
    if (scale === undefined) throw new Error(`unknown unit "${unit}" in duration "${text}" (ns, us, ms, s, m or h)`);
    total += BigInt(integer || "0") * scale + (BigInt(fraction || "0") * scale) / 10n ** BigInt(fraction.length);
    if (total > MAX_NS + (sign === "-" ? 1n : 0n)) throw new Error(`duration "${text}" is too long`);
    at += whole.length;
  }
  const ms = Number(total) / 1e6;
  return sign === "-" && ms !== 0 ? -ms : ms;
}

function expected(text: string): Error {
  return new Error(`invalid duration "${text}" (expected Go syntax, as in "1m30s", "1.5h" or "300ms")`);
}

/** Writes milliseconds as Go's `Duration.String` does: "1m30s", "300ms", "0s". */
export function formatDuration(ms: number): string {
  const ns = BigInt(Math.round(ms * 1e6));
  if (ns === 0n) return "0s";
  const sign = ns < 0n ? "-" : "";
  const size = ns < 0n ? -ns : ns;
  if (size < 1_000n) return `${sign}${size}ns`;
  if (size < 1_000_000n) return `${sign}${decimal(size, 1_000n)}µs`;
  if (size < 1_000_000_000n) return `${sign}${decimal(size, 1_000_000n)}ms`;
  const minutes = size / 60_000_000_000n;
  const seconds = `${decimal(size % 60_000_000_000n, 1_000_000_000n)}s`;
  if (minutes === 0n) return sign + seconds;
  return minutes < 60n ? `${sign}${minutes}m${seconds}` : `${sign}${minutes / 60n}h${minutes % 60n}m${seconds}`;
}

function decimal(value: bigint, unit: bigint): string {
  const digits = String(unit).length - 1;
  const fraction = String(value % unit)
    .padStart(digits, "0")
    .replace(/0+$/, "");
  return fraction === "" ? String(value / unit) : `${value / unit}.${fraction}`;
}
