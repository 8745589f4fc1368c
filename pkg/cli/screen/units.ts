/** Bytes as a person reads them: "1.7 MiB". */
export function bytes(count: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  const step = Math.min(units.length - 1, Math.max(0, Math.floor(Math.log2(Math.max(1, count)) / 10)));
  return `${(count / 1024 ** step).toFixed(step === 0 ? 0 : 1).replace(/\.0$/, "")} ${units[step]}`;
}

/** "22,301" */
export function count(value: number): string {
  return value.toLocaleString("en-US");
}

/** "0.66 %"; what is not nothing never reads as nothing. */
export function percent(part: number, whole: number): string {
  const share = whole === 0 ? 0 : (100 * part) / whole;
  if (share > 0 && share < 0.01) return "< 0.01 %";
  return `${share.toFixed(share >= 10 ? 0 : 2)} %`;
}

/** "1.24 s" */
export function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(2)} s`;
}
