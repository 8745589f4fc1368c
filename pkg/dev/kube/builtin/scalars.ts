import type { Json } from "../wire/json.ts";
import { canonicalQuantity } from "./quantity.ts";

/** A read value, a complaint of the type itself, or neither when the JSON type is wrong. */
export interface ReadScalar {
  readonly value?: Json;
  readonly problem?: string;
}

/** Reads one scalar of a built-in type as Go would. */
export function readScalar(name: string, value: Json): ReadScalar {
  return (readers[name] ?? readAnything)(value);
}

const readAnything = (value: Json): ReadScalar => ({ value });
const readString = (value: Json): ReadScalar => (typeof value === "string" ? { value } : {});

const readInteger =
  (bits: bigint) =>
  (value: Json): ReadScalar => {
    if (typeof value !== "number" && typeof value !== "bigint") return {};
    if (typeof value === "number" && !Number.isInteger(value)) return {};
    const limit = 1n << (bits - 1n);
    const big = BigInt(value);
    return big >= -limit && big < limit ? { value } : {};
  };

function readQuantity(value: Json): ReadScalar {
  if (typeof value !== "string" && typeof value !== "number" && typeof value !== "bigint")
    return { problem: badQuantity };
  const canonical = canonicalQuantity(String(value));
  return canonical === undefined ? { problem: badQuantity } : { value: canonical };
}

const badQuantity = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";

function readBytes(value: Json): ReadScalar {
  if (typeof value !== "string") return {};
  const text = value.replace(/[\r\n]/g, "");
  const bad = /[^A-Za-z0-9+/=]/.exec(text)?.index ?? (text.length % 4 === 0 ? -1 : text.length - (text.length % 4));
  if (bad >= 0) return { problem: `illegal base64 data at input byte ${bad}` };
  const padding = /=+$/.exec(text)?.[0].length ?? 0;
  const early = text.indexOf("=");
  if (padding > 2 || (early >= 0 && early < text.length - padding))
    return { problem: `illegal base64 data at input byte ${early}` };
  return { value: text };
}

const readTime =
  (format: (date: Date, text: string) => string, layout: string) =>
  (value: Json): ReadScalar => {
    if (typeof value !== "string")
      return { problem: `json: cannot unmarshal ${typeof value} into Go value of type string` };
    const problem = timeProblem(value, layout);
    return problem === undefined ? { value: format(new Date(value), value) } : { problem };
  };

/** Goes through a time as Go's time.Parse does; undefined when it fits the layout. */
function timeProblem(text: string, layout: string): string | undefined {
  const exact = layout.includes(".000000");
  const pieces: readonly (readonly [RegExp, string])[] = [
    [/^\d{4}/, "2006"],
    [/^-/, "-"],
    [/^\d\d/, "01"],
    [/^-/, "-"],
    [/^\d\d/, "02"],
    [/^T/, "T"],
    [/^\d\d/, "15"],
    [/^:/, ":"],
    [/^\d\d/, "04"],
    [/^:/, ":"],
    [/^\d\d/, "05"],
    exact ? [/^\.\d{6}/, ".000000"] : [/^([.,]\d+)?/, ""],
    [/^(Z|[+-]\d\d:\d\d)/, "Z07:00"],
  ];
  let rest = text;
  for (const [pattern, element] of pieces) {
    const match = pattern.exec(rest);
    if (!match)
      return `parsing time ${JSON.stringify(text)} as ${JSON.stringify(layout)}: cannot parse ${JSON.stringify(rest)} as ${JSON.stringify(element)}`;
    rest = rest.slice(match[0].length);
  }
  if (rest !== "") return `parsing time ${JSON.stringify(text)}: extra text: ${JSON.stringify(rest)}`;
  const range = outOfRange(text);
  return range === undefined ? undefined : `parsing time ${JSON.stringify(text)}: ${range} out of range`;
}

function outOfRange(text: string): string | undefined {
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = text.split(/[-T:Z.,+]/).map(Number);
  if (month < 1 || month > 12) return "month";
  if (hour > 23) return "hour";
  if (minute > 59) return "minute";
  if (second > 59) return "second";
  return day < 1 || day > new Date(Date.UTC(year, month, 0)).getUTCDate() ? "day" : undefined;
}

const seconds = (date: Date): string => `${date.toISOString().slice(0, 19)}Z`;
const micro = (date: Date, text: string): string => {
  const fraction = (/[.,](\d+)/.exec(text)?.[1] ?? "").padEnd(6, "0").slice(0, 6);
  return `${date.toISOString().slice(0, 19)}.${fraction}Z`;
};

const readers: Readonly<Record<string, (value: Json) => ReadScalar>> = {
  string: readString,
  bool: (value) => (typeof value === "boolean" ? { value } : {}),
  int: readInteger(64n),
  int32: readInteger(32n),
  int64: readInteger(64n),
  uint8: readInteger(9n),
  float64: (value) => (typeof value === "number" || typeof value === "bigint" ? { value } : {}),
  bytes: readBytes,
  "resource.Quantity": readQuantity,
  "intstr.IntOrString": (value) =>
    typeof value === "string"
      ? { value }
      : {
          ...(typeof value === "number" && Number.isInteger(value)
            ? { value }
            : {
                problem: `json: cannot unmarshal ${Array.isArray(value) ? "array" : typeof value} into Go value of type int32`,
              }),
        },
  "meta.v1.Time": readTime(seconds, "2006-01-02T15:04:05Z07:00"),
  "meta.v1.MicroTime": readTime(micro, "2006-01-02T15:04:05.000000Z07:00"),
  "meta.v1.Duration": readString,
};
