import { plainText } from "../../screen/plain.ts";
import { bytes, count, percent } from "../../screen/units.ts";
import type { Layer } from "./survey.ts";

/** A point in time as people read it: "2026-11-21 13:56 UTC". */
export function momentOf(iso: string): string {
  const time = new Date(iso);
  return Number.isNaN(time.getTime()) ? plainText(iso) : `${time.toISOString().slice(0, 16).replace("T", " ")} UTC`;
}

/** The time between two moments in its two largest units: "1 d 2 h"; backwards in time with a minus. */
export function elapsed(fromIso: string, toIso: string): string {
  const ms = Date.parse(toIso) - Date.parse(fromIso);
  const seconds = Math.round(Math.abs(ms) / 1000);
  const units = [
    ["d", 86_400],
    ["h", 3600],
    ["min", 60],
    ["s", 1],
  ] as const;
  const first = Math.max(
    0,
    units.findIndex(([, size]) => seconds >= size),
  );
  const parts = units.slice(first, first + 2).map(([name, size], at) => {
    const before = at === 0 ? Number.POSITIVE_INFINITY : (units[first]?.[1] ?? 1);
    return [name, Math.floor((seconds % before) / size)] as const;
  });
  const text = parts.filter(([, value], at) => value > 0 || at === 0).map(([name, value]) => `${value} ${name}`);
  return `${ms < 0 ? "−" : ""}${seconds === 0 ? "0 s" : text.join(" ")}`;
}

/** What a row shows: "allocated", "changed since monday". */
export function subjectOf({ since }: Layer): string {
  return since === undefined ? "allocated" : `changed since ${plainText(since)}`;
}

/** How much of the volume, in how many ranges: "0.63 %, 401 ranges". More than all of it is no share. */
export function shareOf({ rangeBytes, ranges, capacityBytes }: Layer): string {
  const past = rangeBytes > capacityBytes;
  const share = past ? "past capacity" : percent(rangeBytes, capacityBytes);
  return `${share}, ${count(ranges)} ${ranges === 1 ? "range" : "ranges"}`;
}

/** How many bytes: "1.6 MiB". */
export function sizeOf({ rangeBytes }: Layer): string {
  return bytes(rangeBytes);
}
