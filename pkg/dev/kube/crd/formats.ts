/** Formats that the API server checks in strings; others say nothing. */
const checks: Readonly<Record<string, (value: string) => boolean>> = {
  "date-time": (value) =>
    isDay(value) &&
    /^\d{4}-\d\d-\d\d[tT]\d\d:\d\d:\d\d(\.\d+)?([zZ]|[+-]\d\d:\d\d)$/.test(value) &&
    !Number.isNaN(Date.parse(value)),
  date: (value) => /^\d{4}-\d\d-\d\d$/.test(value) && isDay(value),
  uuid: (value) => /^[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}$/i.test(value),
  ipv4: (value) => /^(\d{1,3}\.){3}\d{1,3}$/.test(value) && value.split(".").every((part) => Number(part) < 256),
  ipv6: (value) => /^[0-9a-f:]*:[0-9a-f:.]*$/i.test(value),
  cidr: (value) => /^[0-9a-f:.]+\/\d+$/i.test(value),
  email: (value) => /^[^\s@]+@[^\s@]+$/.test(value),
  uri: (value) => /^[a-z][a-z0-9+.-]*:/i.test(value) || value.startsWith("/"),
  hostname: (value) => /^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/i.test(value),
  mac: (value) => /^([0-9a-f]{2}[:-]){5}[0-9a-f]{2}$/i.test(value),
  byte: (value) => /^[A-Za-z0-9+/]+={0,2}$/.test(value) && value.length % 4 === 0,
  duration: (value) => /^(\d+(\.\d+)?\s*(ns|us|µs|ms|s|m|h|d|w)[a-z]*\s*)+$/i.test(value),
};

/** True when the value is not of the format. */
export function formatProblem(format: string, value: string): boolean {
  const check = checks[format];
  return check !== undefined && !check(value);
}

/** Whether a text begins with a day that the calendar has; Date.parse takes 29 February of any year for 1 March. */
function isDay(text: string): boolean {
  const [year = 0, month = 0, day = 0] = text.slice(0, 10).split("-").map(Number);
  return month >= 1 && month <= 12 && day >= 1 && day <= new Date(Date.UTC(year, month, 0)).getUTCDate();
}
