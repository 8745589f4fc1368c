/** A JSON log line as a person likes to read it: time, level, message, then fields. */
export function textLine(json: string): string {
  try {
    const { time, level, msg, program: _, ...fields } = JSON.parse(json) as Record<string, unknown>;
    const pairs = Object.entries(fields).map(([key, value]) => `${key}=${textOf(value)}`);
    const head = `${String(time)} ${String(level).toUpperCase().padEnd(5)} ${textOf(msg, true)}`;
    return `${[head, ...pairs].join(" ")}\n`;
  } catch {
    return json;
  }
}

function textOf(value: unknown, bare = false): string {
  if (typeof value !== "string") return value === undefined ? "" : JSON.stringify(value);
  // Line breaks in a value would let it pass for a log line of its own.
  return bare ? value.replaceAll(/\s+/g, " ") : /^[\w.:/@+-]+$/.test(value) ? value : JSON.stringify(value);
}
