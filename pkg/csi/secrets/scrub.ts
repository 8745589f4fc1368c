const removed = "[secret removed]";

/** Shorter lines of a value may be words of any text: a user's name, "true". */
const shortestLine = 8;

/** The hex of fewer bytes may be any number. */
const shortestHexBytes = 4;

/**
 * Removes every occurrence of the given secret values from a text that leaves the process (a driver's error message,
 * a log line): as they are, without the white space around them, their longer lines, and each of these in base64, hex,
 * URLs and JSON. Empty values are skipped; the longest go first, so that one value inside another leaves nothing behind.
 */
export function scrub(text: string, secrets: Iterable<string>): string {
  const forms = new Set([...secrets].flatMap(partsOf).flatMap(formsOf));
  let clean = text;
  for (const form of [...forms].sort((a, b) => b.length - a.length)) clean = clean.replaceAll(form, removed);
  return clean;
}

/** A value, and what programs take for it: files end with a newline, and keys are told of line by line. */
function partsOf(secret: string): string[] {
  const lines = secret.split(/[\r\n]+/).map((line) => line.trim());
  return [secret, secret.trim(), ...lines.filter((line) => line.length >= shortestLine)].filter((part) => part !== "");
}

function formsOf(part: string): string[] {
  const bytes = Buffer.from(part);
  const url = encodeURIComponent(part.toWellFormed());
  const json = JSON.stringify(part).slice(1, -1);
  const hex = bytes.length >= shortestHexBytes ? [bytes.toString("hex"), bytes.toString("hex").toUpperCase()] : [];
  return [
    part,
    url,
    url.replaceAll(/%[0-9A-F]{2}/g, (each) => each.toLowerCase()),
    json,
    // As Go's encoding/json writes it.
    json.replaceAll(/[<>&]/g, (each) => `\\u00${each.charCodeAt(0).toString(16)}`),
    bytes.toString("base64"),
    bytes.toString("base64url"),
    ...hex,
  ];
}
