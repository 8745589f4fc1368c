/** Kubernetes quantities, exact: a decimal number as an integer of nano units, and how it is to be printed. */

type Style = "binary" | "decimal" | "exponent";

export interface Quantity {
  /** Value in units of 10^-9. */
  readonly nano: bigint;
  readonly style: Style;
}

const billion = 1_000_000_000n;
const binary = ["", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"];
const decimal: Readonly<Record<string, number>> = { n: -9, u: -6, m: -3, "": 0, k: 3, M: 6, G: 9, T: 12, P: 15, E: 18 };

/** Reads a quantity, or gives undefined when it is none. Digits below one nano unit are rounded up. */
export function parseQuantity(text: string): Quantity | undefined {
  const match = /^([+-]?)(\d+(?:\.\d*)?|\.\d+)(.*)$/.exec(text);
  if (!match) return undefined;
  const [, sign, digits = "", suffix = ""] = match;
  const scale = scaleOf(suffix);
  if (scale === undefined) return undefined;
  const [whole = "0", fraction = ""] = digits.split(".");
  const unscaled = BigInt((whole || "0") + fraction) * scale.factor;
  const shift = 9 + scale.exponent - fraction.length;
  const nano = shift >= 0 ? unscaled * 10n ** BigInt(shift) : divideUp(unscaled, 10n ** BigInt(-shift));
  return { nano: sign === "-" ? -nano : nano, style: scale.style };
}

function scaleOf(suffix: string): { factor: bigint; exponent: number; style: Style } | undefined {
  const power = binary.indexOf(suffix);
  if (power > 0) return { factor: 1024n ** BigInt(power), exponent: 0, style: "binary" };
  const exponent = decimal[suffix];
  if (exponent !== undefined) return { factor: 1n, exponent, style: "decimal" };
  const scientific = /^[eE]([+-]?\d+)$/.exec(suffix);
  // Far more than any bound, and few enough digits to compute with.
  const power10 = Math.max(-100, Math.min(100, Number(scientific?.[1])));
  return scientific ? { factor: 1n, exponent: power10, style: "exponent" } : undefined;
}

const divideUp = (value: bigint, by: bigint): bigint => value / by + (value % by === 0n ? 0n : 1n);

/** The form in which the API server writes a quantity back, or undefined when it is none. */
export function canonicalQuantity(text: string): string | undefined {
  const quantity = parseQuantity(text);
  return quantity && formatQuantity(quantity);
}

export function formatQuantity({ nano, style }: Quantity): string {
  if (nano === 0n) return "0";
  const sign = nano < 0n ? "-" : "";
  const size = nano < 0n ? -nano : nano;
  if (style === "binary" && size % billion === 0n && size / billion >= 1024n) return sign + binaryForm(size / billion);
  return sign + decimalForm(size, style === "exponent");
}

function binaryForm(value: bigint): string {
  let power = 0;
  let rest = value;
  while (rest % 1024n === 0n && power < binary.length - 1) {
    rest /= 1024n;
    power += 1;
  }
  return `${rest}${binary[power]}`;
}

function decimalForm(nano: bigint, scientific: boolean): string {
  let exponent = -9;
  let rest = nano;
  while (rest % 1000n === 0n && exponent < 18) {
    rest /= 1000n;
    exponent += 3;
  }
  if (exponent === 0) return `${rest}`;
  if (scientific) return `${rest}e${exponent}`;
  return `${rest}${Object.keys(decimal).find((key) => decimal[key] === exponent)}`;
}

/** Negative, zero or positive, as `a` is below, equal to or above `b`. */
export function compareQuantities(a: Quantity, b: Quantity): number {
  return a.nano < b.nano ? -1 : a.nano > b.nano ? 1 : 0;
}
