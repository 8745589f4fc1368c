const removed = "[secret removed]";

/**
 * Removes every occurrence of the given secret values from a text that leaves the process (a driver's error message,
 * a log line). Base64 and URL-encoded forms are removed too. Empty values are skipped; the longest go first, so that
 * one value inside another leaves nothing behind.
 */
export function scrub(text: string, secrets: Iterable<string>): string {
  const forms = new Set<string>();
  for (const secret of secrets) {
    if (secret === "") continue;
    forms.add(secret);
    forms.add(encodeURIComponent(secret));
    forms.add(JSON.stringify(secret).slice(1, -1));
    forms.add(Buffer.from(secret).toString("base64"));
    forms.add(Buffer.from(secret).toString("base64url"));
  }
  let clean = text;
  for (const form of [...forms].sort((a, b) => b.length - a.length)) clean = clean.replaceAll(form, removed);
  return clean;
}
